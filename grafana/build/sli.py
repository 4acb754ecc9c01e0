"""Service level indicators that several dashboards use: traffic, errors, latency, budget."""

from __future__ import annotations

RATE = "[$__rate_interval]"
# The selected services, and the selected instances of them.
SERVICE = 'service=~"$service"'
INSTANCE = 'service=~"$service", instance=~"$instance"'
# The load balancer's backends have the names of the services behind them.
AS_SERVICE = 'label_replace({}, "service", "$1", "proxy", "(.+)")'
# The concurrent requests that the load balancer allows each instance that is up, as in Saturated.
CAPACITY = (
    "haproxy_server_limit_sessions and on (instance, proxy, server)"
    ' haproxy_server_status{state="UP"} == 1'
)


def client_requests(matchers: str) -> str:
    """Return the requests per second of each service's clients, as in NoTraffic."""
    return f"max by (service) (service:requests:rate1m{{{matchers}}})"


def client_error_ratio(matchers: str) -> str:
    """Return the ratio of requests that fail for their clients; 0 if there are none."""
    failed, every = f"service:request_errors:rate1m{{{matchers}}}", client_requests(matchers)
    return f"({failed} or 0 * {every}) / {every}"


def requests(matchers: str, by: str = "service") -> str:
    """Return the requests per second that the instances count."""
    return f"sum by ({by}) (rate(flask_http_request_total{{{matchers}}}{RATE}))"


def error_ratio(matchers: str, by: str = "service") -> str:
    """Return the ratio of 5xx that the instances count; 0 instead of no series without any."""
    failed = requests(f'{matchers}, status=~"5.."', by)
    every = requests(matchers, by)
    return f"({failed} or 0 * {every}) / {every}"


def fast_ratio(matchers: str) -> str:
    """Return the ratio of requests within the objective's `le`, as in HighLatency."""
    name = "flask_http_request_duration_seconds"
    return f"""
        sum by (service, le) (rate({name}_bucket{{{matchers}}}{RATE}))
        / on (service) group_left ()
        sum by (service) (rate({name}_count{{{matchers}}}{RATE}))
        and on (service, le) service:latency_objective:ratio
    """


def quantile(level: float, matchers: str, by: str = "service") -> str:
    """Return a quantile of the response time, such as 0.95."""
    name = "flask_http_request_duration_seconds_bucket"
    buckets = f"sum by ({by}, le) (rate({name}{{{matchers}}}{RATE}))"
    return f"histogram_quantile({level:g}, {buckets})"


def budget_remaining(matchers: str) -> str:
    """Return the remaining ratio of the 30-day error budget; it is negative once exhausted.

    Until the 30-day rule is evaluated for the first time (5 minutes), the stack is younger than an
    hour, so the one-hour rule has the same value. Without any request both are NaN and left out.
    """
    windows = [
        f"service:request_errors:burnrate{window}{{{matchers}}} >= 0" for window in ("30d", "1h")
    ]
    return f"1 - ({' or '.join(windows)})"


def memory_limit() -> str:
    """Return the memory limit of each selected service, in bytes, as in MemoryLeak."""
    return f"max by (service) (service:memory_limit:bytes{{{SERVICE}}})"


def series_limit() -> str:
    """Return the limit of series of each selected service, as in CardinalityHigh."""
    return f"max by (service) (service:series_limit:count{{{SERVICE}}})"


def firing_alerts(matchers: str = "", by: str = "alertname, severity, service, instance") -> str:
    """Return the firing pages and tickets."""
    chosen = f", {matchers}" if matchers else ""
    return f'max by ({by}) (ALERTS{{alertstate="firing", severity=~"page|ticket"{chosen}}})'
