"""The gates after an overload: latency recovers, and the service scales back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..drills.clients import Prometheus
from ..drills.result import Line
from .gates import GateResult, format_latency
from .measurements import TimeSpan, clients_p95, min_replicas
from .profile import LoadProfile, Recovery

NO_VALUE = "\u2013"


def rest_of_peak(profile: LoadProfile, recovery: Recovery, span: TimeSpan) -> TimeSpan:
    """Return the part of the peak in which p95 must hold."""
    begin, end = profile.peak(span.begin, span.seconds)
    return TimeSpan(min(begin + recovery.deadline, end), end)


def recovery_gates(
    profile: LoadProfile,
    span: TimeSpan,
    prometheus: Prometheus,
    scaling: tuple[Sequence[Line], Mapping[str, int]],
) -> Sequence[GateResult]:
    """Return the recovery gates of a profile; none without `recovery`.

    `scaling` has the time series of instances, and each service's minimum in the settings. The
    running stack's metrics override the settings.
    """
    if profile.recovery is None:
        return []
    rest = rest_of_peak(profile, profile.recovery, span)
    instances, minimums = scaling
    return [
        recovered_in_time(profile.recovery, clients_p95(prometheus, rest)),
        scaled_back(instances, {**minimums, **min_replicas(prometheus, span)}),
    ]


def recovered_in_time(recovery: Recovery, p95: float | None) -> GateResult:
    """Evaluate the clients' p95 of the rest of the peak."""
    return GateResult(
        f"p95, {recovery.deadline:.0f} s into the peak",
        f"at most {format_latency(recovery.p95)}",
        [NO_VALUE, format_latency(p95)],
        p95 is not None and p95 <= recovery.p95,
    )


def scaled_back(instances: Sequence[Line], minimums: Mapping[str, int]) -> GateResult:
    """Evaluate the number of instances at the end."""
    last = {line.labels.get("service", ""): int(line.points[-1][1]) for line in instances}
    return GateResult(
        "instances at the end",
        _format_counts(minimums),
        [NO_VALUE, _format_counts({service: last.get(service, 0) for service in minimums})],
        all(last.get(service) == minimum for service, minimum in minimums.items()),
    )


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{service} {count}" for service, count in counts.items())
