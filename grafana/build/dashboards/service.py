"""The dashboard that shows the state of one service and its instances."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import sli, value_texts
from ..dashboard_builder import DashboardSpec, Panels, Section, build_dashboard
from ..panel_style import PanelSpec
from ..panels import series
from ..queries import exemplar_query, instant_query, range_query
from ..rules import limit
from ..sli import INSTANCE, SERVICE
from ..state_panels import RUNBOOK, state_timeline, table_panel
from ..variables import instances, services
from .service_process import log_lines, process

SPEC = DashboardSpec(
    uid="service",
    title="What is the state of a service?",
    description=(
        "Rate, errors and duration of a service's requests, its capacity, processes, alerts and"
        " log lines. It works for any service that follows the contract."
    ),
    variables=[services(), instances()],
)
ROUTE = "service, method, url_rule"
COUNT = "flask_http_request_duration_seconds_count"


def make() -> Dashboard:
    """Return the dashboard."""
    return build_dashboard(
        SPEC, _now(), _requests(), _capacity(), _others(), process(), log_lines()
    )


def _now() -> Section:
    return Section(
        "Is it up?",
        [
            state_timeline(
                PanelSpec(
                    "Which instances answer scrapes?",
                    "Down for long: neither its supervisor nor the responder restarts it. Read"
                    " its last lines below. Down repeatedly: it ends soon after each start.",
                    units.Short,
                    ["InstanceDown", "ServiceDown", "InstanceCrashLooping"],
                    size=(12, 7),
                ),
                value_texts.UP,
                range_query(f"max by (service, instance) (up{{{INSTANCE}}})", "{{instance}}"),
            ),
            table_panel(
                PanelSpec(
                    "Which of its alerts fire?",
                    "Click a name to open its runbook. An empty list is the normal state.",
                    units.Short,
                    ["InstanceUnready", "InstanceHung", "DependencyFailing"],
                    size=(12, 7),
                ),
                {"alertname": "Alert", "severity": "Severity", "instance": "Instance"},
                instant_query(sli.firing_alerts(SERVICE)),
                link=RUNBOOK,
            ),
        ],
    )


def _requests() -> Section:
    return Section(
        "How do its requests perform?",
        [*_answers(), *_durations()],
    )


def _answers() -> Panels:
    return [
        series(
            PanelSpec(
                "How many requests does each route get?",
                "Far fewer than usual: clients cannot reach it. Far more: check whether worker"
                " threads and cores suffice.",
                units.RequestsPerSecond,
                ["NoTraffic", "LbBackendDown"],
            ),
            range_query(
                f"sum by ({ROUTE}) (rate({COUNT}{{{INSTANCE}}}{sli.RATE}))",
                "{{method}} {{url_rule}}",
            ),
        ),
        series(
            PanelSpec(
                "What share of the requests fails?",
                "Above the line an alert fires. Open the service that failed first: the cause is"
                " often a service that it calls, which fails earlier.",
                units.PercentUnit,
                ["WebHighErrorRate", "DataServiceErrors"],
                [limit("WebHighErrorRate")],
            ),
            range_query(sli.error_ratio(INSTANCE, "service, instance"), "{{instance}}"),
        ),
        series(
            PanelSpec(
                "What are the results of the requests?",
                "More 5xx: the service, or one that it calls, fails. More 4xx: clients request"
                " unknown paths, or send invalid data.",
                units.RequestsPerSecond,
                ["WebHighErrorRate", "DataServiceErrors"],
            ),
            range_query(sli.requests(INSTANCE, "service, status"), "{{service}} {{status}}"),
        ),
    ]


def _durations() -> Panels:
    return [
        series(
            PanelSpec(
                "How long do responses take?",
                "Only the 99th percentile grows: few requests wait, for a lock or a restart. The"
                " median grows too: all wait. Click a point, which is a request, to see its log"
                " lines.",
                units.Seconds,
                ["HighLatency", "LatencyBurnFast"],
                size=(8, 9),
            ),
            exemplar_query(sli.quantile(0.5, INSTANCE), "{{service}} median"),
            exemplar_query(sli.quantile(0.95, INSTANCE), "{{service}} 95 %"),
            exemplar_query(sli.quantile(0.99, INSTANCE), "{{service}} 99 %"),
        ),
        series(
            PanelSpec(
                "What is the 95th percentile of each route?",
                "A single slow route: its own work has become slow. All routes: the instance is"
                " busy, or something that they share is slow.",
                units.Seconds,
                ["HighLatency"],
                size=(8, 9),
            ),
            range_query(sli.quantile(0.95, INSTANCE, ROUTE), "{{method}} {{url_rule}}"),
        ),
        series(
            PanelSpec(
                "What share of the responses is fast enough?",
                "Below the objective's line an alert fires. The service's dashboard shows whether"
                " a route is slow, its instances are busy, or it waits for another service.",
                units.PercentUnit,
                ["HighLatency", "LatencyBurnFast", "LatencyBurnSlow"],
                size=(8, 9),
            ),
            range_query(sli.fast_ratio(INSTANCE), "{{service}} within {{le}} s"),
            range_query(
                f"max by (service) (service:latency_objective:ratio{{{SERVICE}}})",
                "{{service}} objective",
            ),
        ).max(1),
    ]


def _capacity() -> Section:
    limits = sli.AS_SERVICE.format(sli.CAPACITY)
    taken = f"sum by (service) (http_requests_in_flight{{{SERVICE}}})"
    return Section(
        "Does it have spare capacity?",
        [
            series(
                PanelSpec(
                    "How many requests are in flight?",
                    "One instance with many and the others with few: that instance hangs or is"
                    " slow. All with many: there are too few instances, or a service that they"
                    " call is slow.",
                    units.Short,
                    ["Saturated", "InstanceHung"],
                ),
                range_query(
                    f"sum by (instance) (http_requests_in_flight{{{INSTANCE}}})", "{{instance}}"
                ),
            ),
            series(
                PanelSpec(
                    "What share of its worker threads is in use?",
                    "Capacity is the number of requests that the load balancer sends to an"
                    " instance at a time, one worker thread each. Above the line the responder"
                    " starts another instance. At the maximum, find out what is slow.",
                    units.PercentUnit,
                    ["Saturated", "Overprovisioned"],
                    [limit("Saturated")],
                ),
                range_query(f"{taken} / sum by (service) ({limits})", "{{service}}"),
            ),
            series(
                PanelSpec(
                    "How many requests wait at the load balancer?",
                    "Above zero for a minute: all worker threads are in use. Check which"
                    " instances are slow or down before you add more.",
                    units.Short,
                    ["LbQueueing", "LbBackendDown"],
                    [limit("LbQueueing")],
                ),
                range_query(
                    "sum by (service) ("
                    + sli.AS_SERVICE.format('haproxy_backend_current_queue{proxy=~"$service"}')
                    + ")",
                    "{{service}}",
                ),
            ),
        ],
    )


def _others() -> Section:
    name = "http_client_request_duration_seconds"
    by = "service, peer"
    return Section(
        "How do the services that it calls perform?",
        [
            state_timeline(
                PanelSpec(
                    "Is a circuit breaker open?",
                    "Open: the service has stopped calling a peer that failed, and responds"
                    " without it. Check the peer; the circuit breaker closes by itself.",
                    units.Short,
                    ["DependencyFailing"],
                ),
                value_texts.BREAKER,
                range_query(
                    f"max by (service, instance, peer) (circuit_breaker_open{{{INSTANCE}}})",
                    "{{instance}} to {{peer}}",
                ),
            ),
            series(
                PanelSpec(
                    "What are the results of its calls?",
                    "`error`: no response arrived, so the called service is down or too slow.",
                    units.RequestsPerSecond,
                    ["DependencyFailing", "DataServiceErrors"],
                ),
                range_query(
                    f"sum by ({by}, status) (rate({name}_count{{{INSTANCE}}}{sli.RATE}))",
                    "{{peer}} {{status}}",
                ),
            ),
            series(
                PanelSpec(
                    "How long do its calls take?",
                    "If they slow down together with its own responses, the called service is the"
                    " cause. Otherwise check the CPU and the worker threads of this service.",
                    units.Seconds,
                    ["HighLatency", "DependencyFailing"],
                ),
                exemplar_query(
                    f"histogram_quantile(0.95, sum by ({by}, le) "
                    f"(rate({name}_bucket{{{INSTANCE}}}{sli.RATE})))",
                    "{{peer}} 95 %",
                ),
            ),
        ],
    )
