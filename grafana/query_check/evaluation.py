"""Evaluate the result of a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import cost
from .cost import Age
from .errors import QueryCheckError
from .panel_queries import PanelQuery, QueryRequest
from .query_runner import QueryRunner

State = Literal["fine", "empty", "skipped", "costly", "error"]
# In ascending severity.
SEVERITY_ORDER: tuple[State, ...] = ("fine", "skipped", "empty", "costly", "error")


@dataclass(frozen=True)
class Verdict:
    """The state of a query, with a message."""

    state: State
    message: str = ""


def evaluate(panel_query: PanelQuery, runner: QueryRunner, age: Age) -> Verdict:
    """Return the verdict on a query; an empty result counts as empty even if it is expected."""
    if panel_query.request is None:
        return Verdict("skipped" if panel_query.skipped else "error", panel_query.problem)
    try:
        result = runner.result(panel_query.request)
        cost_error = _cost(panel_query.request, runner, age)
    except QueryCheckError as error:
        return Verdict("error", str(error))
    if cost_error:
        return Verdict("costly", cost_error)
    return Verdict("empty", "It has no data.") if result.empty else Verdict("fine")


def _cost(request: QueryRequest, runner: QueryRunner, age: Age) -> str:
    result = runner.result(request)
    if request.kind == "exemplars":
        return cost.cost_error(result, 0, 0)
    if request.source == "loki":
        return cost.cost_error(result, 0, cost.size(request, result, age))
    return cost.cost_error(result, cost.samples(request, runner.last(request), age), 0)
