"""Evaluate measurements against the objectives of a load."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..clients.prometheus import Line, Prometheus
from ..runtimes.base import StackRuntime
from .locust import RequestStats
from .measurements import LB_STARTS, REQUESTS, TimeSpan, clients_p95, min_replicas
from .profile import LoadProfile, Recovery


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
    recovery = profile.recovery
    if recovery is None:
        return []
    p95 = clients_p95(prometheus, rest_of_peak(profile, recovery, span))
    instances, minimums = scaling
    minimums = {**minimums, **min_replicas(prometheus, span)}
    last = {line.labels.get("service", ""): int(line.points[-1][1]) for line in instances}
    remaining = {service: last.get(service, 0) for service in minimums}
    return [
        GateResult(
            f"p95, {recovery.deadline:.0f} s into the peak",
            f"at most {format_latency(recovery.p95)}",
            [NO_VALUE, format_latency(p95)],
            p95 is not None and p95 <= recovery.p95,
        ),
        GateResult(
            "instances at the end",
            _format_counts(minimums),
            [NO_VALUE, _format_counts(remaining)],
            remaining == minimums,
        ),
    ]


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{service} {count}" for service, count in counts.items())


# Left out, since the probe requests the start page too.
START_PAGE = ("GET", "/")
# A probe may arrive between the scrapes of the load balancer and of the service.
PROBE_TOLERANCE = 1
# Substrings that mark access lines, so that no line needs to be parsed.
ACCESS, OF_START_PAGE = '"logger":"access"', '"path":"/",'


@dataclass(frozen=True)
class Counts:
    """Requests except for the start page, as Locust, the load balancer and the service count them.

    `lines` are the service's access lines, None if they were not counted. `lb_answered` are the
    load balancer's own responses, `retried` its retries.
    """

    locust: int
    lb: int
    served: int
    lines: int | None
    lb_answered: int = 0
    retried: int = 0


def query_counts(
    prometheus: Prometheus,
    service: str,
    span: TimeSpan,
    sent: Mapping[tuple[str, str], RequestStats],
    lines: int | None,
) -> Counts:
    """Return the counts; Prometheus must have scraped every target after the load."""
    requests = f'flask_http_request_duration_seconds_count{{service="{service}",url_rule'
    starts = f'process_start_time_seconds{{service="{service}"}}'
    pages, rest = (
        prometheus.exact_increase(f'{requests}{sign}"/"}}', starts, span.begin)
        for sign in ("=", "!=")
    )
    total, answered, retried = (
        prometheus.exact_increase(counter, LB_STARTS, span.begin)
        for counter in (
            REQUESTS,
            f'haproxy_server_http_responses_total{{proxy="{service}"}}',
            f'haproxy_backend_retry_warnings_total{{proxy="{service}"}}',
        )
    )
    return Counts(
        locust=sum(stats.requests for name, stats in sent.items() if name != START_PAGE),
        lb=total - pages,
        served=rest,
        lines=lines,
        lb_answered=max(0, total - answered),
        retried=retried,
    )


def check_counts(service: str, counts: Counts) -> GateResult:
    """Check that all counts agree, except for the load balancer's own responses and retries."""
    tolerance = counts.lb_answered + counts.retried
    differences = [counts.served - counts.locust]
    differences += [] if counts.lines is None else [counts.lines - counts.served]
    lb_agrees = abs(counts.lb - counts.locust) <= PROBE_TOLERANCE + tolerance
    texts = [f"lb {counts.lb:,}", f"{service} {counts.served:,}"]
    texts += [] if counts.lines is None else [f"lines {counts.lines:,}"]
    texts += [f"answered by the lb {counts.lb_answered:,}"] if counts.lb_answered else []
    texts += [f"retried {counts.retried:,}"] if counts.retried else []
    return GateResult(
        "counts agree",
        "equal, except for the start page",
        [f"{counts.locust:,}", ", ".join(texts)],
        lb_agrees and all(abs(difference) <= tolerance for difference in differences),
    )


@contextmanager
def count_access_lines(runtime: StackRuntime, service: str) -> Iterator[Counter[str]]:
    """Count a service's access lines during the block, in the key `lines`.

    A runtime that doesn't follow new instances has no such key.
    """
    counter: Counter[str] = Counter()
    if not runtime.follows_new_instances:
        yield counter
        return
    counter["lines"] = 0
    stopped = threading.Event()

    def follow() -> None:
        for added in runtime.follow(service, 0):
            counter["lines"] += sum(_is_counted(text) for _, text in added)
            if stopped.is_set():
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield counter
    finally:
        stopped.set()
        thread.join(timeout=10)  # it polls several times a second


def _is_counted(line: str) -> bool:
    return ACCESS in line and OF_START_PAGE not in line
