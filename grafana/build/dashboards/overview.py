"""The dashboard that shows the state of every component at a glance."""

from __future__ import annotations

from dataclasses import replace

from grafana_foundation_sdk.models import units

from .. import sli, value_texts
from ..dashboard_builder import DashboardSpec, Section
from ..panels import RUNBOOK, Series, StateTimeline, Stats, Table
from ..queries import instant_query, range_query
from ..rules import Limit
from ..sli import SERVICE
from ..variables import services
from .drills import ACTIONS, DECISION_LOG

NOW = Section(
    "Is anything wrong now?",
    Stats(
        "How many alerts fire?",
        "Open the runbook of the newest alert in the list beside. A page needs you now, a ticket"
        " today.",
        [
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
        ],
        alerts=["ServiceDown", "InstanceDown"],
        value_texts=value_texts.NONE,
    ),
    Table(
        "Which alerts fire?",
        "Click a name to open its runbook. An empty list is the normal state.",
        instant_query(sli.firing_alerts()),
        alerts=["ServiceDown", "InstanceDown", "WebHighErrorRate", "HighLatency"],
        columns={
            "alertname": "Alert",
            "severity": "Severity",
            "service": "Service",
            "instance": "Instance",
        },
        link=RUNBOOK,
        size=(10, 6),
    ),
    Stats(
        "Does Watchdog arrive?",
        "Late: alerts can fire without a notification. Check Prometheus, Alertmanager and the"
        " responder on the dashboard of the pipeline.",
        instant_query("max(responder_watchdog_missing)", "Watchdog"),
        alerts=["Watchdog", "ResponderDown", "AlertmanagerDown"],
        value_texts=value_texts.LATE,
        size=(3, 6),
    ),
    Stats(
        "Does the start page answer?",
        "Fails: clients cannot reach it. Check whether the load balancer runs, and whether it has"
        " an available instance of web.",
        instant_query('min(probe_success{job="probe"})', "start page"),
        alerts=["PublicProbeFailing", "LbBackendDown"],
        value_texts=value_texts.PROBE,
        size=(3, 6),
    ),
    Stats(
        "How many instances are down?",
        "Neither its supervisor nor the responder restarts an instance that stays down. Open its"
        " service and find out why it ends.",
        [
            instant_query('count(up{job="services"} == 0) or vector(0)', "services"),
            instant_query('count(up{job!~"services|load"} == 0) or vector(0)', "others"),
        ],
        alerts=["InstanceDown", "ServiceDown"],
        value_texts=value_texts.NONE,
    ),
    size=(4, 6),
)
OBJECTIVES = Section(
    "Are the objectives met?",
    Table(
        "What is the state of each service?",
        "Start with the service that has the smallest budget left. Click its name to open it. The"
        " objective is the share of requests that must not fail.",
        [
            instant_query('sum by (service) (up{job="services", service=~"$service"})'),
            instant_query(sli.client_requests(SERVICE)),
            instant_query(sli.client_error_ratio(SERVICE)),
            instant_query(f"sum by (service) ({sli.fast_ratio(SERVICE)})"),
            instant_query(f"max by (service) (service:objective:ratio{{{SERVICE}}})"),
            instant_query(f"max by (service) ({sli.budget_remaining(SERVICE)})"),
        ],
        alerts=["AvailabilityBurnFast", "AvailabilityBurnSlow", "ErrorBudgetSpent"],
        unit=units.PercentUnit,
        columns={
            "service": "Service",
            "Value #A": "Instances up",
            "Value #B": "Requests",
            "Value #C": "Failed",
            "Value #D": "Fast enough",
            "Value #E": "Objective",
            "Value #F": "Error budget left",
        },
        link="/d/service?var-service=${__value.raw}",
        column_units={"Instances up": units.Short, "Requests": units.RequestsPerSecond},
    ),
    size=(24, 6),
)
TRAFFIC = Section(
    "What do clients experience?",
    Series(
        "How many requests does each service get?",
        "Far fewer than usual: clients cannot reach us, or a component in front of us fails. Far"
        " more: check whether the instances have enough capacity.",
        range_query(sli.client_requests(SERVICE)),
        alerts=["NoTraffic", "PublicProbeFailing"],
        unit=units.RequestsPerSecond,
    ),
    Series(
        "What share of the requests fails?",
        "Above the line an alert fires. Open the service that failed first: the cause is often a"
        " service that it calls, which fails earlier.",
        range_query(sli.client_error_ratio(SERVICE), "{{service}}"),
        alerts=[Limit("WebHighErrorRate"), "DataServiceErrors"],
        unit=units.PercentUnit,
    ),
    Series(
        "What share of the responses is fast enough?",
        "Below the objective's line an alert fires. The service's dashboard shows whether a route"
        " is slow, its instances are busy, or it waits for another service.",
        [
            range_query(sli.fast_ratio(SERVICE), "{{service}} within {{le}} s"),
            range_query("max(service:latency_objective:ratio)", "objective"),
        ],
        alerts=["HighLatency", "LatencyBurnFast"],
        unit=units.PercentUnit,
        highest=1,
    ),
    StateTimeline(
        "Which alerts fired, and when?",
        "The first alert is often the cause, the later ones its effects. Zoom into its start;"
        " annotations show drills, loads and actions.",
        range_query(sli.firing_alerts(by="alertname, service")),
        alerts=["ServiceDown", "InstanceDown"],
        value_texts=value_texts.FIRING,
        size=(24, 7),
    ),
)
RESPONDER = Section(
    "What did the responder do?",
    replace(ACTIONS, size=(10, 7)),
    replace(DECISION_LOG, size=(14, 7)),
)
SPEC = DashboardSpec(
    uid="overview",
    title="Is everything healthy?",
    description=(
        "Objectives and remaining budget, traffic, errors, latency, alerts, and the responder's"
        " actions. Start here: each panel links to its runbook, each service to its dashboard."
    ),
    variables=[services()],
    sections=[NOW, OBJECTIVES, TRAFFIC, RESPONDER],
)
