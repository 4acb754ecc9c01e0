"""What Prometheus counted of a load, in all and over its time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..audit.counters import counter_increase
from ..drills.clients import Prometheus
from ..drills.result import Line
from ..settings import SERVICES
from .locust_stats import RequestStats

# The way in counts every request, also those that no instance got; its own answers too.
REQUESTS = 'haproxy_frontend_http_requests_total{proxy="public"}'
FAILURES = 'haproxy_frontend_http_responses_total{proxy="public",code="5xx"}'
# How long web took: the load balancer has no histogram. What waited in its queue Locust has.
WEB_LATENCY = 'flask_http_request_duration_seconds_bucket{service="web"}'
# As clients have it, what waited in a queue included: Locust's own, while it is scraped.
CLIENT_LATENCY = 'locust_response_time_seconds_bucket{job="load"}'
# How far before the beginning a range must reach to have one sample before it: some scrapes.
RANGE_MARGIN_S = 60.0
# So many scrapes make a rate: the least that survives a late one.
RATE_SCRAPES = 4
# As many points as a chart a screen wide can show apart.
MAX_POINTS = 300


@dataclass(frozen=True)
class TimeSpan:
    """From when to when a load was there, in seconds since 1970."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """Return how long it was there."""
        return self.end - self.begin


def count_requests(prometheus: Prometheus, span: TimeSpan) -> RequestStats:
    """Return what was counted, to the request; the last scrape must have been after the end."""
    p95 = _p95(prometheus, WEB_LATENCY, span)
    return RequestStats(
        _increase(prometheus, REQUESTS, span), _increase(prometheus, FAILURES, span), p95
    )


def clients_p95(prometheus: Prometheus, span: TimeSpan) -> float | None:
    """Return the p95 of a span as clients had it, in seconds; None where nobody had any."""
    return _p95(prometheus, CLIENT_LATENCY, span)


def _p95(prometheus: Prometheus, histogram: str, span: TimeSpan) -> float | None:
    window = f"[{max(1.0, span.seconds):.0f}s] @ {span.end:.3f}"
    p95 = prometheus.value(f"histogram_quantile(0.95, sum by (le) (increase({histogram}{window})))")
    # NaN where there was no request.
    return None if p95 is None or math.isnan(p95) else p95


def answering_instances(prometheus: Prometheus, span: TimeSpan) -> Mapping[str, int]:
    """Return how many instances of each service have answered requests of the span."""
    window = f"[{span.seconds:.0f}s] @ {span.end:.3f}"
    ours = f'flask_http_request_total{{service=~"{"|".join(SERVICES)}"}}{window}'
    found = prometheus.query(
        f"count by (service) (sum by (service, instance) (increase({ours})) > 0)"
    )
    return {row["metric"]["service"]: int(row["value"][1]) for row in found}


def min_replicas(prometheus: Prometheus, span: TimeSpan) -> Mapping[str, int]:
    """Return how many instances of each service that may be scaled there are at least."""
    gauge = f"max by (scaled_service) (responder_min_replicas @ {span.end:.3f})"
    return {
        row["metric"]["scaled_service"]: int(row["value"][1]) for row in prometheus.query(gauge)
    }


def _increase(prometheus: Prometheus, counter: str, span: TimeSpan) -> int:
    # `increase()` would stretch the growth between two scrapes over the whole span.
    since = f"[{time.time() - span.begin + RANGE_MARGIN_S:.0f}s]"
    starts = prometheus.query(f"haproxy_process_start_time_seconds{since}")
    return counter_increase(prometheus.query(counter + since), starts, span.begin)


def query_time_series(prometheus: Prometheus, span: TimeSpan) -> Mapping[str, Sequence[Line]]:
    """Return what went on over the span, a line or some for each thing to be looked at."""
    scrape = prometheus.scrape_interval()
    # In whole milliseconds: at a rehearsal speed an interval is no whole second.
    window = f"[{1000 * RATE_SCRAPES * scrape:.0f}ms]"
    queries = {
        "requests a second": f"sum(rate({REQUESTS}{window}))",
        "failed a second": f"sum(rate({FAILURES}{window}))",
        "p95, seconds": f"histogram_quantile(0.95, sum by (le) (rate({CLIENT_LATENCY}{window})))",
        "p95 of web, seconds": (
            f"histogram_quantile(0.95, sum by (le) (rate({WEB_LATENCY}{window})))"
        ),
        "instances": f'sum by (service) (up{{job="services",service=~"{"|".join(SERVICES)}"}})',
    }
    step = max(scrape, span.seconds / MAX_POINTS)
    return {
        name: prometheus.query_range(query, (span.begin, span.end), step)
        for name, query in queries.items()
    }
