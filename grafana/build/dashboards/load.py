"""What does a load do to the services?"""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import sli
from ..look import Look
from ..page import Page, Panels, Section, made
from ..panels import marks, series, stats
from ..queries import asked, now
from ..rules import limit
from ..sli import SERVICE
from ..variables import services

PAGE = Page(
    uid="load",
    title="What does a load do to the services?",
    says="Locust's view over the services' own, the instances, and what waits. Locust is there"
    " while a load runs: `make load`.",
    since="now-15m",
    refresh="5s",
    variables=[services()],
)
TIMES = "locust_response_time_seconds_bucket"

LIMITS = sli.LB.format(sli.PLACES)


def make() -> Dashboard:
    """Return the dashboard."""
    return made(PAGE, _now(), _both(), _strain())


def _now() -> Section:
    return Section(
        "What does the load look like?",
        [
            stats(
                Look(
                    "How many clients are there, and what do they ask?",
                    "As many as the shape says, or the machine that makes the load is too small.",
                    units.Short,
                    ["Saturated"],
                    size=(12, 6),
                    absent="No load runs: `make load`.",
                ),
                now("sum(locust_users)", "clients"),
                now("sum(locust_requests_per_second)", "requests/s"),
            ),
            marks(
                Look(
                    "Which loads were there, and how did they go?",
                    "Each has its verdict: what it missed is to be looked up in the panels at that"
                    " time. A click goes there.",
                    units.Short,
                    ["Saturated"],
                    size=(12, 6),
                ),
                "alertdrill",
                "load",
            ),
        ],
    )


def _both() -> Section:
    return Section(
        "Do Locust and the services see the same?",
        [*_rates_and_times(), *_failures_and_kinds()],
    )


def _rates_and_times() -> Panels:
    return [
        series(
            Look(
                "Does what is sent arrive?",
                "Locust's line above the load balancer's: clients wait for a connection. The"
                " load balancer's above the services': it answers by itself, with 503.",
                units.RequestsPerSecond,
                ["NoTraffic", "LbBackendDown"],
                size=(12, 9),
            ),
            asked(f"sum(rate(locust_requests_total{sli.RATE}))", "Locust"),
            asked(
                f'sum(rate(haproxy_frontend_http_requests_total{{proxy="public"}}{sli.RATE}))',
                "load balancer",
            ),
            asked(sli.requests(SERVICE), "{{service}}"),
        ),
        series(
            Look(
                "How long do clients wait, and how long do services take?",
                "What clients wait longer than the services take they wait at the load"
                " balancer, for a place: see its queue below.",
                units.Seconds,
                ["HighLatency", "LbQueueing"],
                size=(12, 9),
            ),
            asked(
                f"histogram_quantile(0.95, sum by (le) (rate({TIMES}{sli.RATE})))",
                "Locust 95 %",
            ),
            asked(
                f"histogram_quantile(0.5, sum by (le) (rate({TIMES}{sli.RATE})))",
                "Locust median",
            ),
            asked(sli.quantile(0.95, SERVICE), "{{service}} 95 %"),
        ),
    ]


def _failures_and_kinds() -> Panels:
    return [
        series(
            Look(
                "What share fails, seen from both sides?",
                "Only Locust's: requests never came to a service. The service's first: it is"
                " the cause.",
                units.PercentUnit,
                ["WebHighErrorRate", "DataServiceErrors"],
                [limit("WebHighErrorRate")],
                size=(12, 8),
            ),
            asked(
                f"sum(rate(locust_failures_total{sli.RATE}))"
                f" / sum(rate(locust_requests_total{sli.RATE}))",
                "Locust",
            ),
            asked(sli.failed_share(SERVICE), "{{service}}"),
        ),
        series(
            Look(
                "Which requests does Locust send?",
                "They should be mixed as the users in loadtests/users.py do; one that is"
                " missing waits for an answer.",
                units.RequestsPerSecond,
                ["NoTraffic"],
                size=(12, 8),
            ),
            asked(
                f"sum by (method, name) (rate(locust_requests_total{sli.RATE}))",
                "{{method}} {{name}}",
            ),
        ),
    ]


def _strain() -> Section:
    return Section(
        "What gives way?",
        [*_places(), *_machines()],
    )


def _places() -> Panels:
    return [
        series(
            Look(
                "How many instances serve?",
                "Fewer than a moment ago: one fell out under the load. More: the responder has"
                " started one, as its mark says.",
                units.Short,
                ["Saturated", "Overprovisioned", "InstanceDown"],
            ),
            asked(
                f"sum by (service) ({sli.LB.format('haproxy_backend_active_servers')})",
                "{{service}}",
            ),
        ),
        series(
            Look(
                "How many requests wait at the load balancer?",
                "Every place is taken. If the processor is free meanwhile, the services wait"
                " for something else.",
                units.Short,
                ["LbQueueing", "Saturated"],
                [limit("LbQueueing")],
            ),
            asked(
                f"sum by (service) ({sli.LB.format('haproxy_backend_current_queue')})",
                "{{service}}",
            ),
        ),
        series(
            Look(
                "What share of the places is taken?",
                "Over the line the responder starts one instance more, up to its ceiling.",
                units.PercentUnit,
                ["Saturated", "Overprovisioned"],
                [limit("Saturated")],
            ),
            asked(
                f"sum by (service) (http_requests_in_flight{{{SERVICE}}})"
                f" / sum by (service) ({LIMITS})",
                "{{service}}",
            ),
        ),
    ]


def _machines() -> Panels:
    return [
        series(
            Look(
                "How much of a core does each instance use?",
                "Over the line the instance itself is what is too slow, not what it waits for.",
                units.PercentUnit,
                ["CpuSaturated"],
                [limit("CpuSaturated")],
            ),
            asked(
                "sum by (instance) (rate(process_cpu_seconds_total"
                f'{{job="services", {SERVICE}}}{sli.RATE}))',
                "{{instance}}",
            ),
        ),
        series(
            Look(
                "How busy is the machine?",
                "Over the line all that runs on it waits, Locust too: its own numbers are then"
                " too bad. Make the load from another machine.",
                units.PercentUnit,
                ["HostCpuHigh"],
                [limit("HostCpuHigh")],
            ),
            asked(
                "avg by (instance) (sum by (instance, cpu) (rate(node_cpu_seconds_total"
                f'{{mode!~"idle|iowait"}}{sli.RATE})))',
                "{{instance}}",
            ),
        ),
        series(
            Look(
                "How much memory do the instances take?",
                "It should be as before once the load is over; what stays is kept by somebody.",
                units.BytesIEC,
                ["MemoryLeak"],
                [limit("MemoryLeak")],
            ),
            asked(
                f'sum by (instance) (process_resident_memory_bytes{{job="services", {SERVICE}}})',
                "{{instance}}",
            ),
        ),
    ]
