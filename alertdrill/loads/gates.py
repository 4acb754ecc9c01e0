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
    profile: LoadProfile, size: tuple[int, float], locust: RequestStats, prometheus: RequestStats
) -> Sequence[GateResult]:
    """Return the gate results of a load of `size`: (users, seconds)."""
    objectives, both = profile.objectives, (locust, prometheus)
    users, seconds = size
    minimum = objectives.requests * profile.expected_requests(users, seconds - profile.warmup)
    return [
        GateResult(
            "requests",
            f"at least {minimum:,.0f}",
            [f"{stats.requests:,}" for stats in both],
            all(stats.requests >= minimum for stats in both),
        ),
        GateResult(
            "errors",
            f"at most {objectives.errors:.1%}",
            [f"{stats.errors:.2%}" for stats in both],
            all(stats.errors <= objectives.errors for stats in both),
        ),
        GateResult(
            "p95",
            f"at most {format_latency(objectives.p95)}",
            [format_latency(stats.p95) for stats in both],
            all(stats.p95 is not None and stats.p95 <= objectives.p95 for stats in both),
        ),
    ]


def format_latency(value: float | None) -> str:
    """Return seconds formatted as milliseconds."""
    return "none" if value is None else f"{value * 1000:,.0f} ms"
