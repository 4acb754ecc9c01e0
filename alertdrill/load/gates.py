"""The gates of a load: its objectives, the recovery from its peak, and counts that agree."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ..clients.prometheus import Prometheus
from ..config.services import SERVICES
from ..report.page import MISSING, milliseconds
from ..runtimes.base import StackRuntime
from .measurements import CLIENT_LATENCY, LB_STARTS, REQUESTS, min_replicas, p95, rest_of_peak
from .profile import LoadProfile
from .result import GateResult, Points, RequestStats, TimeSpan

# Left out of the counts of the service that has it, since the probe requests the start page too.
START_PAGE = ("GET", "/")
# A probe may arrive between the scrapes of the load balancer and of the service.
PROBE_TOLERANCE = 1
# Substrings that mark access lines, so that no line needs to be parsed.
ACCESS, OF_START_PAGE = '"logger":"access"', '"path":"/",'


def objective_gates(
    profile: LoadProfile, locust: RequestStats, prometheus: RequestStats
) -> Sequence[GateResult]:
    """Return whether the objectives of a profile hold."""
    objectives, both = profile.objectives, (locust, prometheus)
    minimum = objectives.requests * profile.expected_requests
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
            f"at most {milliseconds(profile.p95)}",
            [milliseconds(stats.p95) for stats in both],
            all(stats.p95 is not None and stats.p95 <= profile.p95 for stats in both),
        ),
    ]


def recovery_gates(
    profile: LoadProfile,
    span: TimeSpan,
    prometheus: Prometheus,
    instances: Mapping[str, Points],
    minimums: Mapping[str, int],
) -> Sequence[GateResult]:
    """Return the recovery gates of a profile; none without `recovery`.

    `instances` has the time series of each service's instances, and `minimums` its minimum in the
    settings. The running stack's metrics override the settings.
    """
    recovery = profile.recovery
    if recovery is None:
        return []
    latency = p95(prometheus, CLIENT_LATENCY, rest_of_peak(profile, recovery, span))
    minimums = {**minimums, **min_replicas(prometheus, span)}
    last = {service: int(points[-1][1]) for service, points in instances.items()}
    remaining = {service: last.get(service, 0) for service in minimums}
    expected, actual = (
        ", ".join(f"{service} {count}" for service, count in counts.items())
        for counts in (minimums, remaining)
    )
    return [
        GateResult(
            f"p95, {recovery.deadline:.0f} s into the peak",
            f"at most {milliseconds(profile.latency_limit)}",
            [MISSING, milliseconds(latency)],
            latency is not None and latency <= profile.latency_limit,
        ),
        GateResult("instances at the end", expected, [MISSING, actual], remaining == minimums),
    ]


def probed_service() -> str:
    """Return the service whose start page the probe requests; empty if there is none."""
    edges = (name for name, service in SERVICES.items() if "/" in service.public)
    return next((name for name in edges if not SERVICES[name].host), "")


def _served(service: str, matcher: str) -> tuple[str, str]:
    """Return a service's counter of requests, and the start times of its instances."""
    selector = ",".join(filter(None, [f'service="{service}"', matcher]))
    starts = f'process_start_time_seconds{{service="{service}"}}'
    return f"flask_http_request_duration_seconds_count{{{selector}}}", starts


def count_gate(
    prometheus: Prometheus,
    service: str,
    span: TimeSpan,
    sent: Mapping[tuple[str, str], RequestStats],
    lines: int | None,
) -> GateResult:
    """Return whether all counts of requests agree, except for the start page.

    `sent` is Locust's count, `lines` that of the service's access lines, None if they were not
    counted. Counts may differ by the load balancer's own responses and its retries. Prometheus must
    have scraped every target after the load.
    """
    probed = probed_service()
    served, total, answered, retried = (
        prometheus.exact_increase(counter, starts, span.begin)
        for counter, starts in (
            _served(service, 'url_rule!="/"' if service == probed else ""),
            (REQUESTS, LB_STARTS),
            (f'haproxy_server_http_responses_total{{proxy="{service}"}}', LB_STARTS),
            (f'haproxy_backend_retry_warnings_total{{proxy="{service}"}}', LB_STARTS),
        )
    )
    pages = prometheus.exact_increase(*_served(probed, 'url_rule="/"'), span.begin) if probed else 0
    except_for = ", except for the start page" if service == probed else ""
    locust = sum(
        stats.requests for name, stats in sent.items() if not except_for or name != START_PAGE
    )
    balanced = total - pages
    lb_answered = max(0, (total if service == probed else balanced) - answered)
    tolerance = lb_answered + retried
    counts = [("lb", balanced), (service, served)]
    counts += [] if lines is None else [("lines", lines)]
    causes = [("answered by the lb", lb_answered), ("retried", retried)]
    texts = [f"{name} {count:,}" for name, count in (*counts, *filter(lambda c: c[1], causes))]
    return GateResult(
        "counts agree",
        f"equal{except_for}",
        [f"{locust:,}", ", ".join(texts)],
        abs(balanced - locust) <= PROBE_TOLERANCE + tolerance
        and abs(served - locust) <= tolerance
        and (lines is None or abs(lines - served) <= tolerance),
    )


@contextmanager
def count_access_lines(runtime: StackRuntime, service: str) -> Iterator[Counter[str]]:
    """Count a service's access lines during the block, in the key `lines`.

    A runtime that doesn't follow new instances has no such key.
    """
    counter = Counter[str]()
    if not runtime.follows_new_instances:
        yield counter
        return
    counter["lines"] = 0
    ignored = OF_START_PAGE if service == probed_service() else "\n"  # which no line contains
    stopped = threading.Event()

    def follow() -> None:
        for added in runtime.follow(service, 0):
            counter["lines"] += sum(ACCESS in text and ignored not in text for _, text in added)
            if stopped.is_set():
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield counter
    finally:
        stopped.set()
        thread.join(timeout=10)  # it polls several times a second
