"""Parse an alert's PromQL expression into its comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import promql_parser as promql

COMPARISON_OPERATORS = (">", ">=", "<", "<=", "==", "!=")


@dataclass(frozen=True)
class Comparison:
    """A comparison: its two sides and its operator, such as `>`."""

    left: str
    operator: str
    right: str


def first_comparison(branches: Sequence[Sequence[Comparison]]) -> Comparison | None:
    """Return the first comparison of the branches, or None.

    It is on the left of `and`, `or` and `unless`, like the value that the alert shows.
    """
    return next((comparison for branch in branches for comparison in branch), None)


def branches(expression: str) -> list[list[Comparison]]:
    """Return the comparisons of each branch of `or`; one list for an expression without `or`."""
    return [
        [
            Comparison(_on_one_line(node.lhs), _operator(node), _on_one_line(node.rhs))
            for node in _comparisons(branch)
        ]
        for branch in _or_branches(promql.parse(expression))
    ]


def _or_branches(node: promql.Expr) -> Iterator[promql.Expr]:
    if isinstance(node, promql.ParenExpr):
        yield from _or_branches(node.expr)
    elif isinstance(node, promql.BinaryExpr) and _operator(node) == "or":
        yield from _or_branches(node.lhs)
        yield from _or_branches(node.rhs)
    else:
        yield node


def _on_one_line(node: promql.Expr) -> str:
    # The parser breaks long lines. No string in the rules contains several spaces.
    return " ".join(node.prettify().split())


def _comparisons(node: promql.Expr) -> Iterator[promql.BinaryExpr]:
    if isinstance(node, promql.ParenExpr):
        yield from _comparisons(node.expr)
    elif isinstance(node, promql.BinaryExpr):
        if _operator(node) in COMPARISON_OPERATORS:
            yield node
        else:
            yield from _comparisons(node.lhs)
            yield from _comparisons(node.rhs)
    elif isinstance(node, promql.Call):
        for argument in node.args:
            yield from _comparisons(argument)
    elif isinstance(node, promql.AggregateExpr):
        yield from _comparisons(node.expr)


def _operator(node: promql.BinaryExpr) -> str:
    return str(node.op).strip()
