"""The mutations of an expression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .tokens import Token, tokens
from .values import neighbouring_durations, neighbouring_numbers

# Each comparison and its closest neighbour.
NEIGHBOURS = {">": ">=", ">=": ">", "<": "<=", "<=": "<", "==": "!=", "!=": "=="}


def changes(expression: str) -> Iterator[tuple[str, str]]:
    """Yield a description of each change, and the changed expression."""
    token_list = tokens(expression)
    for index, token in enumerate(token_list):
        if token.kind == "name" and token.inside == "{":
            yield from _without_matcher(expression, token_list, index)
        for what, new in _replacements(token_list, index):
            changed = expression[: token.start] + new + expression[token.end :]
            yield f"{what} {token.text} -> {new}", changed


def _replacements(token_list: Sequence[Token], index: int) -> list[tuple[str, str]]:
    token = token_list[index]
    if token.kind == "number":
        return [("threshold", new) for new in neighbouring_numbers(token.text)]
    if token.kind == "duration":
        return [(_role(token_list, index), new) for new in neighbouring_durations(token.text)]
    if token.kind == "sign" and token.text in NEIGHBOURS and token.inside != "{":
        return [("comparison", NEIGHBOURS[token.text])]
    return []


def _role(token_list: Sequence[Token], index: int) -> str:
    if token_list[index].inside == "[":
        return "window"
    before = [token.text for token in token_list[max(index - 2, 0) : index] if token.text != "-"]
    return "offset" if before[-1:] == ["offset"] else "duration"


def _without_matcher(
    expression: str, token_list: Sequence[Token], index: int
) -> Iterator[tuple[str, str]]:
    """Remove the matcher `label="value"` that starts here, and its comma."""
    before, value, after = token_list[index - 1], token_list[index + 2], token_list[index + 3]
    opening = max(at for at, token in enumerate(token_list[:index]) if token.text == "{")
    metric = token_list[opening - 1] if opening and token_list[opening - 1].kind == "name" else None
    start, end = token_list[index].start, value.end
    if after.text == ",":
        end = token_list[index + 4].start
    elif before.text == ",":
        start = before.start
    elif metric is None:
        return  # a selector without a name and without a matcher is not PromQL
    of = metric.text if metric else "selector"
    matcher = "".join(token.text for token in token_list[index : index + 3])
    yield f"{of} without {matcher}", expression[:start] + expression[end:]
