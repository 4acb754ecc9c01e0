"""The mutation check for LogQL: change one thing of an expression, and a case must notice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.rules.mutations import numbered
from tests.rules.mutations.expression import changes as common
from tests.rules.mutations.tokens import Token, tokens

ANY = '=~".+"'


def mutations(expression: str) -> dict[str, str]:
    """Return each change in words and the expression with just that change.

    What is changed: numbers, comparisons and durations as in PromQL; a selector takes any value
    (it must have a matcher); a filter is left out.
    """
    return dict(numbered(_changes(expression)))


def _changes(expression: str) -> Iterator[tuple[str, str]]:
    words = tokens(expression)
    # A text has no neighbour of `!=`, but a filter can be left out.
    of_texts = {
        "comparison != -> ==" for at, word in enumerate(words) if _compares_text(words, at, word)
    }
    yield from (each for each in common(expression) if each[0] not in of_texts)
    for place, word in enumerate(words):
        if word.kind == "name" and word.inside == "{":
            sign, value = words[place + 1 : place + 3]
            if sign.text + value.text != ANY:
                changed = expression[: sign.start] + ANY + expression[value.end :]
                yield f"any {word.text}", changed
        if filters(words, place):
            end = next(each.start for each in words[place + 1 :] if each.text in {"|", "["})
            text = " ".join(expression[word.start : end].split())
            yield f"without {text}", expression[: word.start] + expression[end:]


def filters(words: Sequence[Token], place: int) -> bool:
    """Say whether a filter begins here, such as `| status >= 400`."""
    name, sign = words[place + 1 : place + 3] if words[place].text == "|" else (None, None)
    return bool(name and sign and name.kind == "name" and sign.kind == "sign")


def _compares_text(words: Sequence[Token], at: int, word: Token) -> bool:
    return word.text == "!=" and not word.inside and words[at + 1].kind == "string"
