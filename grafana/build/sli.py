"""Queries that several dashboards show: what goes in, what fails, what is slow, what is left."""

from __future__ import annotations

from dataclasses import replace

from .rules import Limit, limit

RATE = "[$__rate_interval]"
# The services that are chosen, and of them the instances.
SERVICE = 'service=~"$service"'
MINE = 'service=~"$service", instance=~"$instance"'
# Of the load balancer, whose backends are called as the services behind them.
LB = 'label_replace({}, "service", "$1", "proxy", "(.+)")'
# What the load balancer gives each instance that is up, as Saturated counts them.
PLACES = (
    "haproxy_server_limit_sessions and on (instance, proxy, server)"
    ' haproxy_server_status{state="UP"} == 1'
)


def requests(matchers: str, by: str = "service") -> str:
    """Return the requests a second."""
    return f"sum by ({by}) (rate(flask_http_request_total{{{matchers}}}{RATE}))"


def failed_share(matchers: str, by: str = "service") -> str:
    """Return the share of requests that failed; 0, not nothing, where none has ever failed."""
    failed = requests(f'{matchers}, status=~"5.."', by)
    every = requests(matchers, by)
    return f"({failed} or 0 * {every}) / {every}"


def fast_share(matchers: str) -> str:
    """Return the share of requests within the objective's `le`, as HighLatency has it."""
    name = "flask_http_request_duration_seconds"
    return f"""
        sum by (service, le) (rate({name}_bucket{{{matchers}}}{RATE}))
        / on (service) group_left ()
        sum by (service) (rate({name}_count{{{matchers}}}{RATE}))
        and on (service, le) service:latency_objective:ratio
    """


def quantile(share: float, matchers: str, by: str = "service") -> str:
    """Return the time within which so many of the requests were answered."""
    name = "flask_http_request_duration_seconds_bucket"
    buckets = f"sum by ({by}, le) (rate({name}{{{matchers}}}{RATE}))"
    return f"histogram_quantile({share:g}, {buckets})"


def left(matchers: str) -> str:
    """Return the share of the error budget of 30 days that is left; below 0 all of it is spent.

    Until the rule of 30 days is evaluated for the first time (5 minutes), the stack is younger
    than an hour, so the rule of an hour says the same. Without a request so far either is NaN,
    which is no number to stay with.
    """
    windows = [
        f"service:request_errors:burnrate{window}{{{matchers}}} >= 0" for window in ("30d", "1h")
    ]
    return f"1 - ({' or '.join(windows)})"


def spent() -> Limit:
    """Return below what of it an alert says that the budget is spent."""
    found = limit("ErrorBudgetSpent")
    return replace(found, value=1 - found.value, above=not found.above)


def firing(matchers: str = "", by: str = "alertname, severity, service, instance") -> str:
    """Return the alerts that fire and tell of trouble."""
    chosen = f", {matchers}" if matchers else ""
    return f'max by ({by}) (ALERTS{{alertstate="firing", severity=~"page|ticket"{chosen}}})'
