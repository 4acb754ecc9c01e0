"""The comparisons of an alert's expression, in the language of its evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from . import logql_comparisons, promql_comparisons
from .promql_comparisons import Comparison


def branches(
    language: Literal["promql", "logql"], expression: str
) -> Sequence[Sequence[Comparison]]:
    """Return the comparisons of each side of an expression's `or`."""
    if language == "promql":
        return promql_comparisons.branches(expression)
    return logql_comparisons.branches(expression)
