"""Take an alert's LogQL apart, as Loki's ruler writes it: each operation in parentheses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .expression import COMPARISONS, Comparison

# Strings hold anything. The longer signs come first, so that `>=` is not `>` and an equals sign.
TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<open>[({[])|(?P<close>[)}\]])"""
    r"|(?P<sign>>=|<=|==|!=|[><+\-*/%^]|\b(?:and|or|unless)\b)"
)
# Between two sides, how to match them.
MODIFIER = re.compile(r"^(?:bool|(?:on|ignoring|group_left|group_right)\s*\([^)]*\)|\s)*")


def branches(expression: str) -> list[list[Comparison]]:
    """Return the comparisons of each side of the expression's `or`; one list if there is none."""
    return [list(_comparisons(side)) for side in _sides(expression)]


def _sides(expression: str) -> Iterator[str]:
    left, sign, right = _apart(expression)
    if sign == "or":
        yield from _sides(left)
        yield from _sides(right)
    else:
        yield expression


def _comparisons(expression: str) -> Iterator[Comparison]:
    left, sign, right = _apart(expression)
    if sign in COMPARISONS:
        yield Comparison(_bare(left), sign, _bare(right))
    elif sign:
        yield from _comparisons(left)
        yield from _comparisons(right)


def _apart(expression: str) -> tuple[str, str, str]:
    """Return both sides and the sign of the outermost operation; no sign where it is a function."""
    bare, depth = _bare(expression), 0
    for token in TOKEN.finditer(bare):
        depth += bool(token["open"]) - bool(token["close"])
        if token["sign"] and depth == 0 and token.start():
            return bare[: token.start()].strip(), token[0], MODIFIER.sub("", bare[token.end() :])
    return bare, "", ""


def _bare(expression: str) -> str:
    """Take away the parentheses around the whole."""
    text = expression.strip()
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing(text: str) -> int:
    """Return where the first parenthesis is closed."""
    depth = 0
    for token in TOKEN.finditer(text):
        depth += bool(token["open"]) - bool(token["close"])
        if token["close"] and depth == 0:
            return token.start()
    return -1
