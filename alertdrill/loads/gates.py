"""Evaluate measurements against the objectives. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .locust_stats import RequestStats
from .profile import LoadProfile


@dataclass(frozen=True)
class GateResult:
    """An objective, the measurements, and whether it holds for both.

    All values are formatted text; `values` has Locust's and Prometheus's.
    """

    name: str
    objective: str
    values: Sequence[str]
    passed: bool


def evaluate_gates(
    plan: LoadProfile, size: tuple[int, float], locust: RequestStats, prometheus: RequestStats
) -> Sequence[GateResult]:
    """Return the gate results of a load of `size`: (users, seconds)."""
    objectives, both = plan.objectives, (locust, prometheus)
    users, length = size
    least = objectives.requests * plan.expected_requests(users, length - plan.warmup)
    return [
        GateResult(
            "requests",
            f"at least {least:,.0f}",
            [f"{numbers.requests:,}" for numbers in both],
            all(numbers.requests >= least for numbers in both),
        ),
        GateResult(
            "errors",
            f"at most {objectives.errors:.1%}",
            [f"{numbers.errors:.2%}" for numbers in both],
            all(numbers.errors <= objectives.errors for numbers in both),
        ),
        GateResult(
            "p95",
            f"at most {format_latency(objectives.p95)}",
            [format_latency(numbers.p95) for numbers in both],
            all(numbers.p95 is not None and numbers.p95 <= objectives.p95 for numbers in both),
        ),
    ]


def format_latency(value: float | None) -> str:
    """Return seconds formatted as milliseconds."""
    return "none" if value is None else f"{value * 1000:,.0f} ms"
