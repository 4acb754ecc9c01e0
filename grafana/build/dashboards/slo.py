"""The dashboard that shows service level objectives, burn rates and error budgets."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import sli
from ..dashboard_builder import DashboardSpec, Section, build_dashboard
from ..panel_style import PanelSpec
from ..panels import series, stats
from ..queries import instant_query, range_query
from ..rules import limit
from ..sli import SERVICE
from ..variables import services_with_objective

SPEC = DashboardSpec(
    uid="slo",
    title="Are the objectives met?",
    description=(
        "Burn rates by window, with the alerts' thresholds, and the remaining budget. At a burn"
        " rate of 1 a service consumes exactly its 30-day budget in 30 days."
    ),
    time_from="now-6h",
    refresh="1m",
    variables=[services_with_objective()],
)
# The long and the short window of each pair, and the speed of their alert.
PAIRS = (("1h", "5m", "Fast"), ("6h", "30m", "Fast"), ("1d", "2h", "Slow"), ("3d", "6h", "Slow"))


def make() -> Dashboard:
    """Return the dashboard."""
    failed = [_burn("request_errors", "Availability", pair) for pair in PAIRS]
    slow = [_burn("requests_slow", "Latency", pair) for pair in PAIRS]
    return build_dashboard(
        SPEC,
        _budget(),
        Section("How fast do failed requests burn the budget?", failed),
        Section("How fast do slow requests burn the budget?", slow),
        _measured(),
    )


def _budget() -> Section:
    return Section(
        "How much budget is left?",
        [
            stats(
                PanelSpec(
                    "How much of the error budget is left?",
                    "Nothing left: take no more risks, such as releases, until days with few"
                    " errors have restored some. The panels below show whether it still burns.",
                    units.PercentUnit,
                    ["ErrorBudgetSpent", "AvailabilityBurnSlow"],
                    [sli.budget_exhausted()],
                    size=(8, 8),
                ),
                instant_query(f"max by (service) ({sli.budget_remaining(SERVICE)})", "{{service}}"),
            ),
            series(
                PanelSpec(
                    "How did the error budget change?",
                    "A steep fall is an incident, which its annotations explain. A slow fall is a"
                    " fault that is not being fixed.",
                    units.PercentUnit,
                    ["ErrorBudgetSpent", "AvailabilityBurnSlow"],
                    [sli.budget_exhausted()],
                    size=(10, 8),
                ),
                range_query(f"max by (service) ({sli.budget_remaining(SERVICE)})", "{{service}}"),
                lowest=None,
            ).max(1),
            stats(
                PanelSpec(
                    "What are the objectives?",
                    "The share of requests that must not fail, and the share that must be fast"
                    " enough, as defined in prometheus/rules/sli.yml. A service that is missing"
                    " here has no objective yet.",
                    units.PercentUnit,
                    ["AvailabilityBurnFast", "LatencyBurnFast"],
                    size=(6, 8),
                ),
                instant_query(
                    f"max by (service) (service:objective:ratio{{{SERVICE}}})", "{{service}} works"
                ),
                instant_query(
                    f"max by (service, le) (service:latency_objective:ratio{{{SERVICE}}})",
                    "{{service}} within {{le}} s",
                ),
            ),
        ],
    )


def _burn(budget: str, what: str, pair: tuple[str, str, str]) -> timeseries.Panel:
    long, short, speed = pair
    alert = f"{what}Burn{speed}"
    name = f"service:{budget}:burnrate"
    descriptions = {
        "Fast": "Both lines above the limit: an alert pages, and the budget will be exhausted"
        " within days. Open the service's dashboard now.",
        "Slow": "Both lines above the limit: a ticket, because the budget will be exhausted"
        " before its 30 days are over. Find out what fails rarely but continuously.",
    }
    which = "failures" if what == "Availability" else "slow responses"
    return series(
        PanelSpec(
            f"Do {which} burn too fast over {long} and still over {short}?",
            descriptions[speed],
            units.Short,
            [alert],
            [limit(alert, f"{name}{long}")],
            size=(12, 8),
        ),
        range_query(f"max by (service) ({name}{long}{{{SERVICE}}})", f"{{{{service}}}} {long}"),
        range_query(f"max by (service) ({name}{short}{{{SERVICE}}})", f"{{{{service}}}} {short}"),
    )


def _measured() -> Section:
    rate = "service:{}:rate5m{{" + SERVICE + "}}"
    return Section(
        "What are the burn rates calculated from?",
        [
            series(
                PanelSpec(
                    "How many requests fail, and how many are slow?",
                    "The inputs of the burn rates. With little traffic, a handful of failures is"
                    " a large share, so the alerts require ten of them.",
                    units.RequestsPerSecond,
                    ["AvailabilityBurnFast", "LatencyBurnFast"],
                    size=(12, 8),
                ),
                range_query(
                    f"max by (service) ({rate.format('request_errors')})", "{{service}} failed"
                ),
                range_query(
                    f"max by (service) ({rate.format('requests_slow')})", "{{service}} slow"
                ),
            ),
            series(
                PanelSpec(
                    "How many requests are counted?",
                    "Without requests a ratio is not a number, and none of these alerts can fire.",
                    units.RequestsPerSecond,
                    ["NoTraffic"],
                    size=(12, 8),
                ),
                range_query(f"max by (service) ({rate.format('requests')})", "{{service}}"),
            ),
        ],
    )
