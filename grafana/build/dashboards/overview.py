"""The dashboard that shows the state of every component at a glance."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import responder_panels, sli, value_texts
from ..dashboard_builder import DashboardSpec, Panels, Section, build_dashboard
from ..panel_style import PanelSpec
from ..panels import series, stats
from ..queries import instant_query, range_query
from ..rules import limit
from ..sli import SERVICE
from ..state_panels import RUNBOOK, column_units, state_timeline, table_panel
from ..variables import services

SPEC = DashboardSpec(
    uid="overview",
    title="Is everything healthy?",
    description=(
        "Objectives and remaining budget, traffic, errors, latency, alerts, and the responder's"
        " actions. Start here: each panel links to its runbook, each service to its dashboard."
    ),
    variables=[services()],
)


def make() -> Dashboard:
    """Return the dashboard."""
    return build_dashboard(SPEC, _now(), _services(), _traffic(), _responder())


def _now() -> Section:
    return Section(
        "Is anything wrong now?",
        [*_alerts(), *_components()],
    )


def _alerts() -> Panels:
    return [
        stats(
            PanelSpec(
                "How many alerts fire?",
                "Open the runbook of the newest alert in the list beside. A page needs you now, a"
                " ticket today.",
                units.Short,
                ["ServiceDown", "InstanceDown"],
                size=(4, 6),
            ),
            instant_query(
                'count(ALERTS{alertstate="firing", severity="page"}) or vector(0)', "pages"
            ),
            instant_query(
                'count(ALERTS{alertstate="firing", severity="ticket"}) or vector(0)', "tickets"
            ),
            # Prometheus has no series of Loki's alerts. Watchdog is subtracted.
            instant_query(
                'clamp_min(max(alertmanager_alerts{state="active"}) - 1, 0)', "with Loki's"
            ),
            value_texts=value_texts.NONE,
        ),
        table_panel(
            PanelSpec(
                "Which alerts fire?",
                "Click a name to open its runbook. An empty list is the normal state.",
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
            instant_query(sli.firing_alerts()),
            link=RUNBOOK,
        ),
    ]


def _components() -> Panels:
    return [
        stats(
            PanelSpec(
                "Does Watchdog arrive?",
                "Late: alerts can fire without a notification. Check Prometheus, Alertmanager and"
                " the responder on the dashboard of the pipeline.",
                units.Short,
                ["Watchdog", "ResponderDown", "AlertmanagerDown"],
                size=(3, 6),
            ),
            instant_query("max(responder_watchdog_missing)", "Watchdog"),
            value_texts=value_texts.LATE,
        ),
        stats(
            PanelSpec(
                "Does the start page answer?",
                "Fails: clients cannot reach it. Check whether the load balancer runs, and"
                " whether it has an available instance of web.",
                units.Short,
                ["PublicProbeFailing", "LbBackendDown"],
                size=(3, 6),
            ),
            instant_query('min(probe_success{job="probe"})', "start page"),
            value_texts=value_texts.PROBE,
        ),
        stats(
            PanelSpec(
                "How many instances are down?",
                "Neither its supervisor nor the responder restarts an instance that stays down."
                " Open its service and find out why it ends.",
                units.Short,
                ["InstanceDown", "ServiceDown"],
                size=(4, 6),
            ),
            instant_query('count(up{job="services"} == 0) or vector(0)', "services"),
            instant_query('count(up{job!~"services|load"} == 0) or vector(0)', "others"),
            value_texts=value_texts.NONE,
        ),
    ]


def _services() -> Section:
    table = table_panel(
        PanelSpec(
            "What is the state of each service?",
            "Start with the service that has the smallest budget left. Click its name to open it."
            " The objective is the share of requests that must not fail.",
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
        instant_query('sum by (service) (up{job="services", service=~"$service"})'),
        instant_query(sli.requests(SERVICE)),
        instant_query(sli.error_ratio(SERVICE)),
        instant_query(f"sum by (service) ({sli.fast_ratio(SERVICE)})"),
        instant_query(f"max by (service) (service:objective:ratio{{{SERVICE}}})"),
        instant_query(f"max by (service) ({sli.budget_remaining(SERVICE)})"),
        link="/d/service?var-service=${__value.raw}",
    )
    column_units_by_heading = {"Instances up": units.Short, "Requests": units.RequestsPerSecond}
    return Section("Are the objectives met?", [column_units(table, column_units_by_heading)])


def _traffic() -> Section:
    return Section(
        "What do clients experience?",
        [
            series(
                PanelSpec(
                    "How many requests does each service get?",
                    "Far fewer than usual: clients cannot reach us, or a component in front of us"
                    " fails. Far more: check whether the instances have enough capacity.",
                    units.RequestsPerSecond,
                    ["NoTraffic", "PublicProbeFailing"],
                ),
                range_query(sli.requests(SERVICE), "{{service}}"),
            ),
            series(
                PanelSpec(
                    "What share of the requests fails?",
                    "Above the line an alert fires. Open the service that failed first: the cause"
                    " is often a service that it calls, which fails earlier.",
                    units.PercentUnit,
                    ["WebHighErrorRate", "DataServiceErrors"],
                    [limit("WebHighErrorRate")],
                ),
                range_query(sli.error_ratio(SERVICE), "{{service}}"),
            ),
            series(
                PanelSpec(
                    "What share of the responses is fast enough?",
                    "Below the objective's line an alert fires. The service's dashboard shows"
                    " whether a route is slow, its instances are busy, or it waits for another"
                    " service.",
                    units.PercentUnit,
                    ["HighLatency", "LatencyBurnFast"],
                ),
                range_query(sli.fast_ratio(SERVICE), "{{service}} within {{le}} s"),
                range_query("max(service:latency_objective:ratio)", "objective"),
            ).max(1),
            state_timeline(
                PanelSpec(
                    "Which alerts fired, and when?",
                    "The first alert is often the cause, the later ones its effects. Zoom into"
                    " its start; annotations show drills, loads and actions.",
                    units.Short,
                    ["ServiceDown", "InstanceDown"],
                    size=(24, 7),
                ),
                value_texts.FIRING,
                range_query(
                    sli.firing_alerts(by="alertname, service"), "{{alertname}} {{service}}"
                ),
            ),
        ],
    )


def _responder() -> Section:
    return Section(
        "What did the responder do?",
        [
            responder_panels.actions((10, 7)),
            responder_panels.decision_log((14, 7)),
        ],
    )
