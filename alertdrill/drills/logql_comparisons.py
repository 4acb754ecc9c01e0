"""Parse an alert's LogQL expression into its comparisons.

Loki's ruler writes each operation in parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .promql_comparisons import COMPARISON_OPERATORS, Comparison

# Strings may contain operators. Longer operators come first, so that `>=` is not `>` and `=`.
TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<open>[({[])|(?P<close>[)}\]])"""
    r"|(?P<operator>>=|<=|==|!=|[><+\-*/%^]|\b(?:and|or|unless)\b)"
)
# The modifiers after an operator.
MODIFIER = re.compile(r"^(?:bool|(?:on|ignoring|group_left|group_right)\s*\([^)]*\)|\s)*")


def branches(expression: str) -> list[list[Comparison]]:
    """Return the comparisons of each branch of `or`; one list for an expression without `or`."""
    return [list(_comparisons(branch)) for branch in _or_branches(expression)]


def _or_branches(expression: str) -> Iterator[str]:
    left, operator, right = _split(expression)
    if operator == "or":
        yield from _or_branches(left)
        yield from _or_branches(right)
    else:
        yield expression


def _comparisons(expression: str) -> Iterator[Comparison]:
    left, operator, right = _split(expression)
    if operator in COMPARISON_OPERATORS:
        yield Comparison(_strip_parentheses(left), operator, _strip_parentheses(right))
    elif operator:
        yield from _comparisons(left)
        yield from _comparisons(right)


def _split(expression: str) -> tuple[str, str, str]:
    """Return the sides and the operator of the outermost operation; no operator for a function."""
    bare, depth = _strip_parentheses(expression), 0
    for token in TOKEN.finditer(bare):
        depth += bool(token["open"]) - bool(token["close"])
        if token["operator"] and depth == 0 and token.start():
            return bare[: token.start()].strip(), token[0], MODIFIER.sub("", bare[token.end() :])
    return bare, "", ""


def _strip_parentheses(expression: str) -> str:
    """Remove the parentheses around the whole expression."""
    text = expression.strip()
    while text.startswith("(") and _closing_index(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing_index(text: str) -> int:
    """Return the index where the first parenthesis closes."""
    depth = 0
    for token in TOKEN.finditer(text):
        depth += bool(token["open"]) - bool(token["close"])
        if token["close"] and depth == 0:
            return token.start()
    return -1
