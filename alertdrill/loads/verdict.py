"""Hold what was counted against the objectives. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .plan import Plan
from .stats import Numbers


@dataclass(frozen=True)
class Check:
    """An objective, what each counted, and whether it holds for both.

    Everything is text for people; `seen` has Locust's and Prometheus's number.
    """

    what: str
    objective: str
    seen: Sequence[str]
    passed: bool


def judge(
    plan: Plan, size: tuple[int, float], locust: Numbers, prometheus: Numbers
) -> Sequence[Check]:
    """Return the checks of a load of `size`: so many users, for so many seconds."""
    objectives, both = plan.objectives, (locust, prometheus)
    users, length = size
    least = objectives.requests * plan.asked(users, length - plan.warmup)
    return [
        Check(
            "requests",
            f"at least {least:,.0f}",
            [f"{numbers.requests:,}" for numbers in both],
            all(numbers.requests >= least for numbers in both),
        ),
        Check(
            "errors",
            f"at most {objectives.errors:.1%}",
            [f"{numbers.errors:.2%}" for numbers in both],
            all(numbers.errors <= objectives.errors for numbers in both),
        ),
        Check(
            "p95",
            f"at most {seconds(objectives.p95)}",
            [seconds(numbers.p95) for numbers in both],
            all(numbers.p95 is not None and numbers.p95 <= objectives.p95 for numbers in both),
        ),
    ]


def seconds(value: float | None) -> str:
    """Return a time in milliseconds, as people read it."""
    return "none" if value is None else f"{value * 1000:,.0f} ms"
