"""Every way in which one thing of an expression can be changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .tokens import Token, tokens
from .values import other_durations, other_numbers

# Each comparison and its neighbour, which differs from it as little as can be.
NEIGHBOURS = {">": ">=", ">=": ">", "<": "<=", "<=": "<", "==": "!=", "!=": "=="}


def changes(expression: str) -> Iterator[tuple[str, str]]:
    """Yield what was changed, in words, and the expression with just that change."""
    words = tokens(expression)
    for place, word in enumerate(words):
        if word.kind == "name" and word.inside == "{":
            yield from _without_matcher(expression, words, place)
        for what, new in _replacements(words, place):
            changed = expression[: word.start] + new + expression[word.end :]
            yield f"{what} {word.text} -> {new}", changed


def _replacements(words: Sequence[Token], place: int) -> list[tuple[str, str]]:
    word = words[place]
    if word.kind == "number":
        return [("threshold", new) for new in other_numbers(word.text)]
    if word.kind == "duration":
        return [(_role(words, place), new) for new in other_durations(word.text)]
    if word.kind == "sign" and word.text in NEIGHBOURS and word.inside != "{":
        return [("comparison", NEIGHBOURS[word.text])]
    return []


def _role(words: Sequence[Token], place: int) -> str:
    if words[place].inside == "[":
        return "window"
    before = [word.text for word in words[max(place - 2, 0) : place] if word.text != "-"]
    return "offset" if before[-1:] == ["offset"] else "duration"


def _without_matcher(
    expression: str, words: Sequence[Token], place: int
) -> Iterator[tuple[str, str]]:
    """Take out `label="value"` that starts here, and the comma that it does not need any more."""
    before, value, after = words[place - 1], words[place + 2], words[place + 3]
    opening = max(at for at, word in enumerate(words[:place]) if word.text == "{")
    metric = words[opening - 1] if opening and words[opening - 1].kind == "name" else None
    start, end = words[place].start, value.end
    if after.text == ",":
        end = words[place + 4].start
    elif before.text == ",":
        start = before.start
    elif metric is None:
        return  # a selector without a name and without a matcher is not PromQL
    of = metric.text if metric else "selector"
    matcher = "".join(word.text for word in words[place : place + 3])
    yield f"{of} without {matcher}", expression[:start] + expression[end:]
