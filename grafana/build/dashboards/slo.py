"""The dashboard that shows service level objectives, burn rates and error budgets."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from .. import sli
from ..dashboard_builder import DashboardSpec, Section
from ..panels import Series, Stats
from ..queries import instant_query, range_query
from ..rules import Limit
from ..sli import SERVICE
from ..variables import services_with_objective

# The long and the short window of each pair, and the speed of their alert.
PAIRS = (("1h", "5m", "Fast"), ("6h", "30m", "Fast"), ("1d", "2h", "Slow"), ("3d", "6h", "Slow"))
FIVE_MINUTES = "service:{}:rate5m{{" + SERVICE + "}}"


def _burn(budget: str, what: str, pair: tuple[str, str, str]) -> Series:
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
    return Series(
        f"Do {which} burn too fast over {long} and still over {short}?",
        descriptions[speed],
        [
            range_query(
                f"max by (service) ({name}{window}{{{SERVICE}}})", f"{{{{service}}}} {window}"
            )
            for window in (long, short)
        ],
        alerts=[Limit(alert, f"{name}{long}")],
    )


BUDGET = Section(
    "How much budget is left?",
    Stats(
        "How much of the error budget is left?",
        "Nothing left: take no more risks, such as releases, until days with few errors have"
        " restored some. The panels below show whether it still burns.",
        instant_query(f"max by (service) ({sli.budget_remaining(SERVICE)})"),
        alerts=[Limit("ErrorBudgetSpent", of_remainder=True), "AvailabilityBurnSlow"],
        unit=units.PercentUnit,
    ),
    Series(
        "How did the error budget change?",
        "A steep fall is an incident, which its annotations explain. A slow fall is a fault that"
        " is not being fixed.",
        range_query(f"max by (service) ({sli.budget_remaining(SERVICE)})"),
        alerts=[Limit("ErrorBudgetSpent", of_remainder=True), "AvailabilityBurnSlow"],
        unit=units.PercentUnit,
        lowest=None,
        highest=1,
        size=(10, 8),
    ),
    Stats(
        "What are the objectives?",
        "The share of requests that must not fail, and the share that must be fast enough, as"
        " defined in prometheus/rules/sli.yml. A service that is missing here has no objective"
        " yet.",
        [
            instant_query(
                f"max by (service) (service:objective:ratio{{{SERVICE}}})", "{{service}} works"
            ),
            instant_query(
                f"max by (service, le) (service:latency_objective:ratio{{{SERVICE}}})",
                "{{service}} within {{le}} s",
            ),
        ],
        alerts=["AvailabilityBurnFast", "LatencyBurnFast"],
        unit=units.PercentUnit,
        size=(6, 8),
    ),
)
FAILED = Section(
    "How fast do failed requests burn the budget?",
    *(_burn("request_errors", "Availability", pair) for pair in PAIRS),
    size=(12, 8),
)
SLOW = Section(
    "How fast do slow requests burn the budget?",
    *(_burn("requests_slow", "Latency", pair) for pair in PAIRS),
    size=(12, 8),
)
INPUTS = Section(
    "What are the burn rates calculated from?",
    Series(
        "How many requests fail, and how many are slow?",
        "The inputs of the burn rates. With little traffic, a handful of failures is a large"
        " share, so the alerts require ten of them.",
        [
            range_query(
                f"max by (service) ({FIVE_MINUTES.format('request_errors')})", "{{service}} failed"
            ),
            range_query(
                f"max by (service) ({FIVE_MINUTES.format('requests_slow')})", "{{service}} slow"
            ),
        ],
        alerts=["AvailabilityBurnFast", "LatencyBurnFast"],
        unit=units.RequestsPerSecond,
    ),
    Series(
        "How many requests are counted?",
        "Without requests a ratio is not a number, and none of these alerts can fire.",
        range_query(f"max by (service) ({FIVE_MINUTES.format('requests')})"),
        alerts=["NoTraffic"],
        unit=units.RequestsPerSecond,
    ),
    size=(12, 8),
)
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
    sections=[BUDGET, FAILED, SLOW, INPUTS],
)
