"""Do we keep what we promise, and for how long still?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import sli
from ..look import Look
from ..page import Page, Section, made
from ..panels import series, stats
from ..queries import asked, now
from ..rules import limit
from ..sli import SERVICE
from ..variables import promising

PAGE = Page(
    uid="slo",
    title="Do we keep what we promise?",
    says="Burn rates by window against the alerts' thresholds, and the budget left. At 1 a service"
    " spends exactly its budget of 30 days in 30 days.",
    since="now-6h",
    refresh="1m",
    variables=[promising()],
)
# The long window of each pair, its short one, and the speed of the alert that watches both.
PAIRS = (("1h", "5m", "Fast"), ("6h", "30m", "Fast"), ("1d", "2h", "Slow"), ("3d", "6h", "Slow"))


def make() -> Dashboard:
    """Return the dashboard."""
    failed = [_burn("request_errors", "Availability", pair) for pair in PAIRS]
    slow = [_burn("requests_slow", "Latency", pair) for pair in PAIRS]
    return made(
        PAGE,
        _budget(),
        Section("How fast do failed requests spend the budget?", failed),
        Section("How fast do slow requests spend the budget?", slow),
        _measured(),
    )


def _budget() -> Section:
    return Section(
        "How much is left?",
        [
            stats(
                Look(
                    "How much of the error budget is left?",
                    "Nothing left: no more risks, such as releases, until days with few errors have"
                    " given some back. The panels below say whether it is being spent now.",
                    units.PercentUnit,
                    ["ErrorBudgetSpent", "AvailabilityBurnSlow"],
                    [sli.spent()],
                    size=(8, 8),
                ),
                now(f"max by (service) ({sli.left(SERVICE)})", "{{service}}"),
            ),
            series(
                Look(
                    "How did the error budget change?",
                    "A steep fall was an incident, and its marks say which; a slow one is a fault"
                    " that nobody looks after.",
                    units.PercentUnit,
                    ["ErrorBudgetSpent", "AvailabilityBurnSlow"],
                    [sli.spent()],
                    size=(10, 8),
                ),
                asked(f"max by (service) ({sli.left(SERVICE)})", "{{service}}"),
                lowest=None,
            ).max(1),
            stats(
                Look(
                    "What is promised?",
                    "The share of requests that must not fail, and the share that must be fast"
                    " enough. prometheus/rules/sli.yml has them: a service that is not here has no"
                    " objective yet.",
                    units.PercentUnit,
                    ["AvailabilityBurnFast", "LatencyBurnFast"],
                    size=(6, 8),
                ),
                now(
                    f"max by (service) (service:objective:ratio{{{SERVICE}}})", "{{service}} works"
                ),
                now(
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
    sayings = {
        "Fast": "Both lines over the limit: an alert pages, and within days all of the budget is"
        " gone. Look at the service's dashboard now.",
        "Slow": "Both lines over the limit: a ticket, for before its 30 days are over the budget is"
        " gone. Find out what fails little but always.",
    }
    which = "failures" if what == "Availability" else "slow answers"
    return series(
        Look(
            f"Do {which} burn too fast over {long} and still over {short}?",
            sayings[speed],
            units.Short,
            [alert],
            [limit(alert, f"{name}{long}")],
            size=(12, 8),
        ),
        asked(f"max by (service) ({name}{long}{{{SERVICE}}})", f"{{{{service}}}} {long}"),
        asked(f"max by (service) ({name}{short}{{{SERVICE}}})", f"{{{{service}}}} {short}"),
    )


def _measured() -> Section:
    rate = "service:{}:rate5m{{" + SERVICE + "}}"
    return Section(
        "What are they measured by?",
        [
            series(
                Look(
                    "How many requests fail, and how many are slow?",
                    "What the burn rates are made of. Few requests in all: a handful of failures is"
                    " a large share, which is why alerts ask for ten of them.",
                    units.RequestsPerSecond,
                    ["AvailabilityBurnFast", "LatencyBurnFast"],
                    size=(12, 8),
                ),
                asked(f"max by (service) ({rate.format('request_errors')})", "{{service}} failed"),
                asked(f"max by (service) ({rate.format('requests_slow')})", "{{service}} slow"),
            ),
            series(
                Look(
                    "How many requests count?",
                    "Where nothing comes, a ratio is no number, and no alert of these can fire.",
                    units.RequestsPerSecond,
                    ["NoTraffic"],
                    size=(12, 8),
                ),
                asked(f"max by (service) ({rate.format('requests')})", "{{service}}"),
            ),
        ],
    )
