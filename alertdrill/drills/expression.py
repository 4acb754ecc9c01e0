"""Take an alert's expression apart: what moves, and what it is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import promql_parser as promql

COMPARISONS = (">", ">=", "<", "<=", "==", "!=")


@dataclass(frozen=True)
class Comparison:
    """The two sides and the sign of the comparison that a chart shows."""

    left: str
    sign: str
    right: str


def first(sides: Sequence[Sequence[Comparison]]) -> Comparison | None:
    """Return the first comparison of `branches`, None where there is none.

    Beside `and`, `or` and `unless`, the left side comes first, as it is what the alert shows.
    """
    return next((found for side in sides for found in side), None)


def branches(expression: str) -> list[list[Comparison]]:
    """Return the comparisons of each side of the expression's `or`; one list if there is none."""
    return [
        [Comparison(_on_one_line(n.lhs), _sign(n), _on_one_line(n.rhs)) for n in _comparisons(side)]
        for side in _sides(promql.parse(expression))
    ]


def _sides(node: promql.Expr) -> Iterator[promql.Expr]:
    if isinstance(node, promql.ParenExpr):
        yield from _sides(node.expr)
    elif isinstance(node, promql.BinaryExpr) and _sign(node) == "or":
        yield from _sides(node.lhs)
        yield from _sides(node.rhs)
    else:
        yield node


def _on_one_line(node: promql.Expr) -> str:
    # The parser breaks what is long. No string of our rules has a space that could suffer.
    return " ".join(node.prettify().split())


def _comparisons(node: promql.Expr) -> Iterator[promql.BinaryExpr]:
    if isinstance(node, promql.ParenExpr):
        yield from _comparisons(node.expr)
    elif isinstance(node, promql.BinaryExpr):
        if _sign(node) in COMPARISONS:
            yield node
        else:
            yield from _comparisons(node.lhs)
            yield from _comparisons(node.rhs)
    elif isinstance(node, promql.Call):
        for argument in node.args:
            yield from _comparisons(argument)
    elif isinstance(node, promql.AggregateExpr):
        yield from _comparisons(node.expr)


def _sign(node: promql.BinaryExpr) -> str:
    return str(node.op).strip()
