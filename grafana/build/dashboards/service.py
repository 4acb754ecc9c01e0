"""How is a service, and how are its instances? Of any service that follows the contract."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import sli, words
from ..look import Look
from ..page import Page, Panels, Section, made
from ..panels import series
from ..queries import asked, now, traced
from ..rules import limit
from ..sli import MINE, SERVICE
from ..states import RUNBOOK, rows, timeline
from ..variables import instances, services
from .service_process import log_lines, process

PAGE = Page(
    uid="service",
    title="How is a service?",
    says="Rate, errors and duration of a service's requests, what keeps it busy, its process, its"
    " alerts and its log lines. It works for every service that follows the contract.",
    variables=[services(), instances()],
)
ROUTE = "service, method, url_rule"
COUNT = "flask_http_request_duration_seconds_count"


def make() -> Dashboard:
    """Return the dashboard."""
    return made(PAGE, _now(), _requests(), _places(), _others(), process(), log_lines())


def _now() -> Section:
    return Section(
        "Is it there?",
        [
            timeline(
                Look(
                    "Which instances answer scrapes?",
                    "Down for long: neither its supervisor nor the responder brings it back. See"
                    " its last lines below. Down again and again: it ends soon after each start.",
                    units.Short,
                    ["InstanceDown", "ServiceDown", "InstanceCrashLooping"],
                    size=(12, 7),
                ),
                words.UP,
                asked(f"max by (service, instance) (up{{{MINE}}})", "{{instance}}"),
            ),
            rows(
                Look(
                    "Which of its alerts fire?",
                    "A click on a name opens its runbook. An empty list is what you want to see.",
                    units.Short,
                    ["InstanceUnready", "InstanceHung", "DependencyFailing"],
                    size=(12, 7),
                ),
                {"alertname": "Alert", "severity": "Severity", "instance": "Instance"},
                now(sli.firing(SERVICE)),
                link=RUNBOOK,
            ),
        ],
    )


def _requests() -> Section:
    return Section(
        "How are its requests?",
        [*_answers(), *_durations()],
    )


def _answers() -> Panels:
    return [
        series(
            Look(
                "How many requests does each route get?",
                "Far fewer than usual: nobody reaches it. Far more: see if places and cores do.",
                units.RequestsPerSecond,
                ["NoTraffic", "LbBackendDown"],
            ),
            asked(
                f"sum by ({ROUTE}) (rate({COUNT}{{{MINE}}}{sli.RATE}))",
                "{{method}} {{url_rule}}",
            ),
        ),
        series(
            Look(
                "What share of the requests fails?",
                "Over the line an alert fires. Look at the exceptions below, then at what it"
                " calls. A single failing instance points at that instance.",
                units.PercentUnit,
                ["WebHighErrorRate", "DataServiceErrors"],
                [limit("WebHighErrorRate")],
            ),
            asked(sli.failed_share(MINE, "service, instance"), "{{instance}}"),
        ),
        series(
            Look(
                "How are the requests answered?",
                "More of 5xx: the service or what it calls fails. More of 4xx: clients ask for"
                " what is not there, or send what it refuses.",
                units.RequestsPerSecond,
                ["WebHighErrorRate", "DataServiceErrors"],
            ),
            asked(sli.requests(MINE, "service, status"), "{{service}} {{status}}"),
        ),
    ]


def _durations() -> Panels:
    return [
        series(
            Look(
                "How long do answers take?",
                "Only the 99th percentile grows: few wait, for a lock or a restart. The median"
                " too: all do. A point is a request, and a click on it leads to its log lines.",
                units.Seconds,
                ["HighLatency", "LatencyBurnFast"],
                size=(8, 9),
            ),
            traced(sli.quantile(0.5, MINE), "{{service}} median"),
            traced(sli.quantile(0.95, MINE), "{{service}} 95 %"),
            traced(sli.quantile(0.99, MINE), "{{service}} 99 %"),
        ),
        series(
            Look(
                "How long does each route take, for 95 % of its requests?",
                "One route alone: what it does has become slow. All of them: the instance is"
                " busy, or what they have in common waits.",
                units.Seconds,
                ["HighLatency"],
                size=(8, 9),
            ),
            asked(sli.quantile(0.95, MINE, ROUTE), "{{method}} {{url_rule}}"),
        ),
        series(
            Look(
                "What share of the answers is fast enough?",
                "Under the objective's line an alert fires; the times beside say which route.",
                units.PercentUnit,
                ["HighLatency", "LatencyBurnFast", "LatencyBurnSlow"],
                size=(8, 9),
            ),
            asked(sli.fast_share(MINE), "{{service}} within {{le}} s"),
            asked(
                f"max by (service) (service:latency_objective:ratio{{{SERVICE}}})",
                "{{service}} objective",
            ),
        ).max(1),
    ]


def _places() -> Section:
    limits = sli.LB.format(sli.PLACES)
    taken = f"sum by (service) (http_requests_in_flight{{{SERVICE}}})"
    return Section(
        "Has it places for more?",
        [
            series(
                Look(
                    "How many requests are in flight?",
                    "One instance with many and the others with few: that one hangs or is slow. All"
                    " with many: there are too few, or what they call is slow.",
                    units.Short,
                    ["Saturated", "InstanceHung"],
                ),
                asked(f"sum by (instance) (http_requests_in_flight{{{MINE}}})", "{{instance}}"),
            ),
            series(
                Look(
                    "What share of its threads is taken?",
                    "A place is a thread for requests that the load balancer gives an instance."
                    " Over the line the responder starts an instance more; at its ceiling, see"
                    " what is slow.",
                    units.PercentUnit,
                    ["Saturated", "Overprovisioned"],
                    [limit("Saturated")],
                ),
                asked(f"{taken} / sum by (service) ({limits})", "{{service}}"),
            ),
            series(
                Look(
                    "How many requests wait at the load balancer?",
                    "More than none for a minute: every place is taken. See which instances are"
                    " slow or down before you add more.",
                    units.Short,
                    ["LbQueueing", "LbBackendDown"],
                    [limit("LbQueueing")],
                ),
                asked(
                    "sum by (service) ("
                    + sli.LB.format('haproxy_backend_current_queue{proxy=~"$service"}')
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
        "How are the services that it calls?",
        [
            timeline(
                Look(
                    "Is a circuit breaker open?",
                    "Open: it has stopped asking a service that failed, and answers without it."
                    " Look at that service; the breaker closes by itself.",
                    units.Short,
                    ["DependencyFailing"],
                ),
                words.BREAKER,
                asked(
                    f"max by (service, instance, peer) (circuit_breaker_open{{{MINE}}})",
                    "{{instance}} to {{peer}}",
                ),
            ),
            series(
                Look(
                    "How are its calls answered?",
                    "`error`: no answer came at all, so the service called is down or too slow.",
                    units.RequestsPerSecond,
                    ["DependencyFailing", "DataServiceErrors"],
                ),
                asked(
                    f"sum by ({by}, status) (rate({name}_count{{{MINE}}}{sli.RATE}))",
                    "{{peer}} {{status}}",
                ),
            ),
            series(
                Look(
                    "How long do its calls take?",
                    "They grow as its own answers do: the service called is the cause. They don't:"
                    " look at this one's processor and places.",
                    units.Seconds,
                    ["HighLatency", "DependencyFailing"],
                ),
                traced(
                    f"histogram_quantile(0.95, sum by ({by}, le) "
                    f"(rate({name}_bucket{{{MINE}}}{sli.RATE})))",
                    "{{peer}} 95 %",
                ),
            ),
        ],
    )
