"""Take an alert's expression apart: what moves, and what it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser as promql

COMPARISONS = (">", ">=", "<", "<=", "==", "!=")
SETS = ("and", "or", "unless")


@dataclass(frozen=True)
class Comparison:
    """The two sides and the sign of the comparison that a chart shows."""

    left: str
    sign: str
    right: str


def comparison(expression: str) -> Comparison | None:
    """Return the first comparison of an expression, None where it has none.

    Beside `and`, `or` and `unless`, the left side comes first, as it is what the alert shows.
    """
    for node in _comparisons(promql.parse(expression)):
        return Comparison(node.lhs.prettify(), _sign(node), node.rhs.prettify())
    return None


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
