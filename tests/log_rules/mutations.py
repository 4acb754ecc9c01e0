"""The mutation check for LogQL: a case must detect each change of an expression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.rules.mutations import numbered
from tests.rules.mutations.expression import changes as common
from tests.rules.mutations.tokens import Token, tokens

ANY = '=~".+"'


def mutations(expression: str) -> dict[str, str]:
    """Return the changed expressions by the description of the change.

    Numbers, comparisons and durations are changed as in PromQL; a matcher accepts any value (a
    selector must have a matcher); a filter is removed.
    """
    return dict(numbered(_changes(expression)))


def _changes(expression: str) -> Iterator[tuple[str, str]]:
    token_list = tokens(expression)
    # `!=` of strings has no close neighbour, but the filter can be removed.
    string_comparisons = {
        "comparison != -> =="
        for at, token in enumerate(token_list)
        if _compares_text(token_list, at, token)
    }
    yield from (change for change in common(expression) if change[0] not in string_comparisons)
    for index, token in enumerate(token_list):
        if token.kind == "name" and token.inside == "{":
            sign, value = token_list[index + 1 : index + 3]
            if sign.text + value.text != ANY:
                changed = expression[: sign.start] + ANY + expression[value.end :]
                yield f"any {token.text}", changed
        if is_filter(token_list, index):
            end = next(
                change.start for change in token_list[index + 1 :] if change.text in {"|", "["}
            )
            text = " ".join(expression[token.start : end].split())
            yield f"without {text}", expression[: token.start] + expression[end:]


def is_filter(token_list: Sequence[Token], index: int) -> bool:
    """Return whether a filter starts here, such as `| status >= 400`."""
    name, sign = (
        token_list[index + 1 : index + 3] if token_list[index].text == "|" else (None, None)
    )
    return bool(name and sign and name.kind == "name" and sign.kind == "sign")


def _compares_text(token_list: Sequence[Token], at: int, token: Token) -> bool:
    return token.text == "!=" and not token.inside and token_list[at + 1].kind == "string"
