"""Measurements of a load by Prometheus, and the events during it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from ..clients.http import UnreachableError
from ..clients.prometheus import Prometheus
from ..clients.responder import ResponderClient
from ..config.services import SERVICES
from .profile import LoadError, LoadProfile, Recovery
from .result import Event, LocustStats, Points, RequestStats, TimeSpan

# The frontend counts every request, also those that the load balancer answers itself.
REQUESTS = 'haproxy_frontend_http_requests_total{proxy="public"}'
FAILURES = 'haproxy_frontend_http_responses_total{proxy="public",code="5xx"}'
LB_STARTS = "haproxy_process_start_time_seconds"
# The clients' latency, including the queue: Locust's histogram, while it is scraped.
CLIENT_LATENCY = 'locust_response_time_seconds_bucket{job="load"}'
# A service's own latency; the load balancer has no histogram.
SERVICE_LATENCY = 'flask_http_request_duration_seconds_bucket{{service="{}"}}'
P95 = "histogram_quantile(0.95, sum by (le) ({}({}{})))"
# Watchdog always fires.
FIRING = 'ALERTS{alertstate="firing",alertname!="Watchdog"}'
# Scrapes in a rate's window: the minimum that tolerates a late scrape.
RATE_SCRAPES = 4
# As many points as a chart can show.
MAX_POINTS = 300
# After a gap of more scrapes than this, the alert fired again.
MAX_GAP_SCRAPES = 2.5


def count_requests(prometheus: Prometheus, service: str, span: TimeSpan) -> RequestStats:
    """Return exact counts, and the p95 of a service.

    The last scrape must be after the end.
    """
    requests, failures = (
        prometheus.exact_increase(counter, LB_STARTS, span.begin)
        for counter in (REQUESTS, FAILURES)
    )
    return RequestStats(requests, failures, p95(prometheus, SERVICE_LATENCY.format(service), span))


def _ours() -> str:
    return f'service=~"{"|".join(SERVICES)}"'


def p95(prometheus: Prometheus, histogram: str, span: TimeSpan) -> float | None:
    """Return the 95th percentile of a histogram in seconds; None without requests."""
    window = f"[{max(1.0, span.seconds):.0f}s] @ {span.end:.3f}"
    value = prometheus.value(P95.format("increase", histogram, window))
    return None if value is None or math.isnan(value) else value


def answering_instances(prometheus: Prometheus, span: TimeSpan) -> Mapping[str, int]:
    """Return the number of instances of each service that answered requests."""
    requests = f"flask_http_request_total{{{_ours()}}}[{span.seconds:.0f}s] @ {span.end:.3f}"
    query = f"count by (service) (sum by (service, instance) (increase({requests})) > 0)"
    rows = prometheus.query(query)
    return {row["metric"]["service"]: int(row["value"][1]) for row in rows}


def min_replicas(prometheus: Prometheus, span: TimeSpan) -> Mapping[str, int]:
    """Return the minimum replicas of each scalable service, from the responder's metric."""
    gauge = f"max by (scaled_service) (responder_min_replicas @ {span.end:.3f})"
    rows = prometheus.query(gauge)
    return {row["metric"]["scaled_service"]: int(row["value"][1]) for row in rows}


def rest_of_peak(profile: LoadProfile, recovery: Recovery, span: TimeSpan) -> TimeSpan:
    """Return the part of the peak in which p95 must hold."""
    full = [at for at, fraction in profile.clients if fraction == 1]
    begin, end = (span.begin + at * span.seconds for at in (full[0], full[-1]))
    return TimeSpan(min(begin + recovery.deadline, end), end)


def chart_lines(
    prometheus: Prometheus, profile: LoadProfile, span: TimeSpan, locust: LocustStats
) -> Mapping[str, Mapping[str, Points]]:
    """Return the lines of the charts, by title and label."""
    scrape, service = prometheus.scrape_interval(), profile.service
    # In milliseconds: with time compression, an interval is not a whole second.
    window = f"[{1000 * RATE_SCRAPES * scrape:.0f}ms]"
    step = max(scrape, span.seconds / MAX_POINTS)

    def query(**queries: str) -> dict[str, Points]:
        return {
            label: line.points
            for label, promql in queries.items()
            for line in prometheus.query_range(promql, span, step)
        }

    own = f"{service} only, without waiting for a worker thread"
    latency = query(
        clients=P95.format("rate", CLIENT_LATENCY, window),
        **{own: P95.format("rate", SERVICE_LATENCY.format(service), window)},
    )
    latency["objective"] = [(at, profile.p95) for at in span]
    if profile.recovery:
        rest = rest_of_peak(profile, profile.recovery, span)
        latency["objective for the rest"] = [(at, profile.latency_limit) for at in rest]
    sent = [(float(at), float(count)) for at, count in locust.rate.items()]
    failed = [(float(at), float(locust.failures.get(at, 0))) for at in locust.rate]
    up = f'sum by (service) (up{{job="services",{_ours()}}})'
    return {
        "Requests per second": {
            **query(Prometheus=f"sum(rate({REQUESTS}{window}))"),
            "Locust": sent,
        },
        "95th percentile latency, seconds": latency,
        "Failed requests per second": {
            **query(Prometheus=f"sum(rate({FAILURES}{window}))"),
            "Locust": failed,
        },
        "Ready instances": {
            line.labels.get("service", ""): line.points
            for line in prometheus.query_range(up, span, step)
        },
    }


def alert_events(prometheus: Prometheus, span: TimeSpan) -> Sequence[Event]:
    """Return one event for each period in which an alert fired."""
    step = prometheus.scrape_interval()
    gap, events = MAX_GAP_SCRAPES * step, list[Event]()
    for line in prometheus.query_range(FIRING, span, step):
        target = line.labels.get("instance") or line.labels.get("service") or ""
        name = f"{line.labels['alertname']} {target}".strip()
        times = [at for at, _ in line.points]
        starts = [at for before, at in pairwise([-math.inf, *times]) if at - before > gap]
        ends = [at for at, after in pairwise([*times, math.inf]) if after - at > gap]
        events += [
            Event("alert", name, began, None if ended > span.end - gap else ended)
            for began, ended in zip(starts, ends, strict=True)
        ]
    return sorted(events, key=lambda event: event.began)


def action_events(responder: str, span: TimeSpan) -> Sequence[Event]:
    """Return the actions of the responder at a URL; raise `LoadError` if it does not respond."""
    try:
        actions = ResponderClient(responder).actions(since=0.0)
    except UnreachableError as error:
        raise LoadError(f"cannot read the responder's actions ({error}).") from error
    return [
        Event(
            "action",
            f"{action.kind.replace('_', ' ')} {action.target or action.service}",
            action.began,
            action.ended,
        )
        for action in sorted(actions, key=lambda action: action.began)
        if action.began <= span.end and (action.ended or span.end) >= span.begin
    ]
