"""Whether a load that was too much at first was coped with, and what it took given back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..drills.clients import Prometheus
from ..drills.result import Line
from .observed import Span, clients_p95, min_replicas
from .plan import Plan, Recovery
from .verdict import Check, seconds

NOBODY = "\u2013"


def rest_of_peak(plan: Plan, recovery: Recovery, span: Span) -> Span:
    """Return the time of the peak in which it must be coped with."""
    begin, end = plan.peak(span.begin, span.seconds)
    return Span(min(begin + recovery.within, end), end)


def checks(
    plan: Plan, span: Span, prometheus: Prometheus, seen: tuple[Sequence[Line], Mapping[str, int]]
) -> Sequence[Check]:
    """Return the checks of a plan that recovers; none of another.

    `seen` has the course of the instances, and the minimum of each service in these settings; the
    stack that is up may have been started with others, and says so itself.
    """
    if plan.recovers is None:
        return []
    rest = rest_of_peak(plan, plan.recovers, span)
    instances, wanted = seen
    return [
        recovered(plan.recovers, clients_p95(prometheus, rest)),
        returned(instances, {**wanted, **min_replicas(prometheus, span)}),
    ]


def recovered(recovery: Recovery, p95: float | None) -> Check:
    """Judge the p95 of the peak's rest, as clients had it."""
    return Check(
        f"p95, {recovery.within:.0f} s into the peak",
        f"at most {seconds(recovery.p95)}",
        [NOBODY, seconds(p95)],
        p95 is not None and p95 <= recovery.p95,
    )


def returned(instances: Sequence[Line], at_least: Mapping[str, int]) -> Check:
    """Judge how many instances there were at the end."""
    last = {line.labels.get("service", ""): int(line.points[-1][1]) for line in instances}
    return Check(
        "instances at the end",
        _words(at_least),
        [NOBODY, _words({service: last.get(service, 0) for service in at_least})],
        all(last.get(service) == minimum for service, minimum in at_least.items()),
    )


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{service} {count}" for service, count in counts.items())
