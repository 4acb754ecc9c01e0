"""Measurements of a load by Prometheus, and the events during it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal

from ..clients.http import UnreachableError
from ..clients.prometheus import Line, Prometheus
from ..clients.responder import ResponderClient
from ..config.services import SERVICES
from .locust import RequestStats
from .profile import LoadError

# The frontend counts every request, also those that the load balancer answers itself.
REQUESTS = 'haproxy_frontend_http_requests_total{proxy="public"}'
FAILURES = 'haproxy_frontend_http_responses_total{proxy="public",code="5xx"}'
LB_STARTS = "haproxy_process_start_time_seconds"
# A service's own latency; the load balancer has no histogram.
SERVICE_LATENCY = "flask_http_request_duration_seconds_bucket"
# The clients' latency, including the queue: Locust's histogram, while it is scraped.
CLIENT_LATENCY = 'locust_response_time_seconds_bucket{job="load"}'
# Scrapes in a rate's window: the minimum that tolerates a late scrape.
RATE_SCRAPES = 4
# As many points as a chart can show.
MAX_POINTS = 300


@dataclass(frozen=True)
class TimeSpan:
    """The time of a load, in seconds since 1970."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        return self.end - self.begin


def count_requests(prometheus: Prometheus, service: str, span: TimeSpan) -> RequestStats:
    """Return exact counts, and the p95 of a service.

    The last scrape must be after the end.
    """
    p95 = _p95(prometheus, service_latency(service), span)
    requests = prometheus.exact_increase(REQUESTS, LB_STARTS, span.begin)
    failures = prometheus.exact_increase(FAILURES, LB_STARTS, span.begin)
    return RequestStats(requests, failures, p95)


def service_latency(service: str) -> str:
    """Return the selector of a service's latency histogram."""
    return f'{SERVICE_LATENCY}{{service="{service}"}}'


def clients_p95(prometheus: Prometheus, span: TimeSpan) -> float | None:
    """Return the clients' p95 in seconds; None without requests."""
    return _p95(prometheus, CLIENT_LATENCY, span)


def _p95(prometheus: Prometheus, histogram: str, span: TimeSpan) -> float | None:
    window = f"[{max(1.0, span.seconds):.0f}s] @ {span.end:.3f}"
    p95 = prometheus.value(f"histogram_quantile(0.95, sum by (le) (increase({histogram}{window})))")
    # NaN without requests.
    return None if p95 is None or math.isnan(p95) else p95


def answering_instances(prometheus: Prometheus, span: TimeSpan) -> Mapping[str, int]:
    """Return the number of instances of each service that answered requests."""
    window = f"[{span.seconds:.0f}s] @ {span.end:.3f}"
    ours = f'flask_http_request_total{{service=~"{"|".join(SERVICES)}"}}{window}'
    rows = prometheus.query(
        f"count by (service) (sum by (service, instance) (increase({ours})) > 0)"
    )
    return {row["metric"]["service"]: int(row["value"][1]) for row in rows}


def min_replicas(prometheus: Prometheus, span: TimeSpan) -> Mapping[str, int]:
    """Return the minimum replicas of each scalable service, from the responder's metric."""
    gauge = f"max by (scaled_service) (responder_min_replicas @ {span.end:.3f})"
    return {
        row["metric"]["scaled_service"]: int(row["value"][1]) for row in prometheus.query(gauge)
    }


def query_time_series(
    prometheus: Prometheus, service: str, span: TimeSpan
) -> Mapping[str, Sequence[Line]]:
    """Return the time series of the charts, by title."""
    scrape = prometheus.scrape_interval()
    # In milliseconds: with time compression, an interval is not a whole second.
    window = f"[{1000 * RATE_SCRAPES * scrape:.0f}ms]"
    queries = {
        "requests per second": f"sum(rate({REQUESTS}{window}))",
        "failed per second": f"sum(rate({FAILURES}{window}))",
        "p95, seconds": f"histogram_quantile(0.95, sum by (le) (rate({CLIENT_LATENCY}{window})))",
        "p95 of the service, seconds": (
            f"histogram_quantile(0.95, sum by (le) (rate({service_latency(service)}{window})))"
        ),
        "instances": f'sum by (service) (up{{job="services",service=~"{"|".join(SERVICES)}"}})',
    }
    step = max(scrape, span.seconds / MAX_POINTS)
    return {
        name: prometheus.query_range(query, (span.begin, span.end), step)
        for name, query in queries.items()
    }


# Watchdog always fires.
FIRING = 'ALERTS{alertstate="firing",alertname!="Watchdog"}'
# After a gap of more scrapes than this, the alert fired again.
MAX_GAP_SCRAPES = 2.5


@dataclass(frozen=True)
class Event:
    """An alert or an action; times are in seconds since 1970, `ended` is None if it goes on."""

    kind: Literal["alert", "action"]
    name: str
    began: float
    ended: float | None


def alert_events(prometheus: Prometheus, span: TimeSpan) -> Sequence[Event]:
    """Return one event for each period in which an alert fired."""
    step = prometheus.scrape_interval()
    lines = prometheus.query_range(FIRING, (span.begin, span.end), step)
    events = [event for line in lines for event in _firing_periods(line, step, span.end)]
    return sorted(events, key=lambda event: event.began)


def _firing_periods(line: Line, step: float, end: float) -> Iterator[Event]:
    target = line.labels.get("instance") or line.labels.get("service") or ""
    name = f"{line.labels['alertname']} {target}".strip()
    samples = [at for at, _ in line.points]
    gaps = [0.0, *(after - before for before, after in pairwise(samples))]
    period, periods = 0, []
    for gap in gaps[: len(samples)]:
        period += gap > MAX_GAP_SCRAPES * step
        periods.append(period)
    for _, group in groupby(zip(periods, samples, strict=True), key=lambda pair: pair[0]):
        times = [at for _, at in group]
        yield Event(
            "alert", name, times[0], None if times[-1] > end - MAX_GAP_SCRAPES * step else times[-1]
        )


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
