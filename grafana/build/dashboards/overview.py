"""Is everything well, in one look?"""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import responder, sli, words
from ..look import Look
from ..page import Page, Panels, Section, made
from ..panels import series, stats
from ..queries import asked, now
from ..rules import limit
from ..sli import SERVICE
from ..states import RUNBOOK, rows, timeline
from ..states import units as column_units
from ..variables import services

PAGE = Page(
    uid="overview",
    title="Is everything well?",
    says="Objectives and the budget left, traffic, errors, latency, alerts, and what the responder"
    " did. Begin here; each panel leads to its runbook, a service's name to the service.",
    variables=[services()],
)


def make() -> Dashboard:
    """Return the dashboard."""
    return made(PAGE, _now(), _services(), _traffic(), _responder())


def _now() -> Section:
    return Section(
        "Is anything wrong now?",
        [*_alerts(), *_parts()],
    )


def _alerts() -> Panels:
    return [
        stats(
            Look(
                "How many alerts fire?",
                "Open the newest one's runbook from the list beside. A page wants somebody now,"
                " a ticket today.",
                units.Short,
                ["ServiceDown", "InstanceDown"],
                size=(4, 6),
            ),
            now('count(ALERTS{alertstate="firing", severity="page"}) or vector(0)', "pages"),
            now('count(ALERTS{alertstate="firing", severity="ticket"}) or vector(0)', "tickets"),
            # Loki's alerts are in none of Prometheus's series; Watchdog is one of those here.
            now('clamp_min(max(alertmanager_alerts{state="active"}) - 1, 0)', "with Loki's"),
            words=words.NONE,
        ),
        rows(
            Look(
                "Which alerts fire?",
                "A click on a name opens its runbook. An empty list is what you want to see.",
                units.Short,
                ["ServiceDown", "InstanceDown", "WebHighErrorRate", "HighLatency"],
                size=(10, 6),
            ),
            {
                "alertname": "Alert",
                "severity": "Severity",
                "service": "Service",
                "instance": "Instance",
            },
            now(sli.firing()),
            link=RUNBOOK,
        ),
    ]


def _parts() -> Panels:
    return [
        stats(
            Look(
                "Does Watchdog arrive?",
                "Late: alerts may fire and nobody hears of them. Look at Prometheus,"
                " Alertmanager and the responder on the dashboard of the pipeline.",
                units.Short,
                ["Watchdog", "ResponderDown", "AlertmanagerDown"],
                size=(3, 6),
            ),
            now("max(responder_watchdog_late)", "Watchdog"),
            words=words.LATE,
        ),
        stats(
            Look(
                "Does the start page answer?",
                "It fails: clients can't come in. See whether the load balancer runs, and"
                " whether it has an instance of web to ask.",
                units.Short,
                ["PublicProbeFailing", "LbBackendDown"],
                size=(3, 6),
            ),
            now('min(probe_success{job="probe"})', "start page"),
            words=words.PROBE,
        ),
        stats(
            Look(
                "How many instances are down?",
                "One that is down for long is not restarted by its supervisor nor by the"
                " responder: open its service and see why it ends.",
                units.Short,
                ["InstanceDown", "ServiceDown"],
                size=(4, 6),
            ),
            now('count(up{job="services"} == 0) or vector(0)', "services"),
            now('count(up{job!~"services|load"} == 0) or vector(0)', "the rest"),
            words=words.NONE,
        ),
    ]


def _services() -> Section:
    table = rows(
        Look(
            "How does each service stand?",
            "Begin with the service that has fewest of its budget left; a click on its name opens"
            " it. The objective is the share of requests that must not fail.",
            units.PercentUnit,
            ["AvailabilityBurnFast", "AvailabilityBurnSlow", "ErrorBudgetSpent"],
            size=(24, 6),
        ),
        {
            "service": "Service",
            "Value #A": "Instances up",
            "Value #B": "Requests",
            "Value #C": "Failed",
            "Value #D": "Fast enough",
            "Value #E": "Objective",
            "Value #F": "Error budget left",
        },
        now('sum by (service) (up{job="services", service=~"$service"})'),
        now(sli.requests(SERVICE)),
        now(sli.failed_share(SERVICE)),
        now(f"sum by (service) ({sli.fast_share(SERVICE)})"),
        now(f"max by (service) (service:objective:ratio{{{SERVICE}}})"),
        now(f"max by (service) ({sli.left(SERVICE)})"),
        link="/d/service?var-service=${__value.raw}",
    )
    found = {"Instances up": units.Short, "Requests": units.RequestsPerSecond}
    return Section("Do we keep what we promise?", [column_units(table, found)])


def _traffic() -> Section:
    return Section(
        "What do clients meet?",
        [
            series(
                Look(
                    "How many requests does each service get?",
                    "Far fewer than usual: clients can't reach us, or somebody before us fails. Far"
                    " more: see whether instances and places are enough.",
                    units.RequestsPerSecond,
                    ["NoTraffic", "PublicProbeFailing"],
                ),
                asked(sli.requests(SERVICE), "{{service}}"),
            ),
            series(
                Look(
                    "What share of the requests fails?",
                    "Over the line an alert fires. Open the service that began first: what it calls"
                    " is often the cause, and the one behind fails before the one in front.",
                    units.PercentUnit,
                    ["WebHighErrorRate", "DataServiceErrors"],
                    [limit("WebHighErrorRate")],
                ),
                asked(sli.failed_share(SERVICE), "{{service}}"),
            ),
            series(
                Look(
                    "What share of the answers is fast enough?",
                    "Under the objective's line an alert fires. See on the service's dashboard"
                    " whether one route is slow, its instances are busy or it waits for another.",
                    units.PercentUnit,
                    ["HighLatency", "LatencyBurnFast"],
                ),
                asked(sli.fast_share(SERVICE), "{{service}} within {{le}} s"),
                asked("max(service:latency_objective:ratio)", "objective"),
            ).max(1),
            timeline(
                Look(
                    "Which alerts fired, and when?",
                    "What fires first is often the cause, what follows the effect. Zoom into its"
                    " beginning; the marks show drills, loads and actions.",
                    units.Short,
                    ["ServiceDown", "InstanceDown"],
                    size=(24, 7),
                ),
                words.FIRING,
                asked(sli.firing(by="alertname, service"), "{{alertname}} {{service}}"),
            ),
        ],
    )


def _responder() -> Section:
    return Section(
        "What did the responder do?",
        [
            responder.actions((10, 7)),
            responder.said((14, 7)),
        ],
    )
