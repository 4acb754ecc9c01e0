"""The dashboard that shows the effect of a load on the services."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from .. import sli
from ..dashboard_builder import DashboardSpec, Section
from ..panels import Series, Stats
from ..queries import instant_query, range_query
from ..rules import Limit
from ..sli import SERVICE
from ..variables import services

TIMES = "locust_response_time_seconds_bucket"
LIMITS = sli.AS_SERVICE.format(sli.CAPACITY)
NOW = Section(
    "What does the load look like?",
    Stats(
        "How many clients are there, and how many requests do they send?",
        "Fewer than the load's shape defines: the machine that runs Locust is too small.",
        [
            instant_query("sum(locust_users)", "clients"),
            instant_query("sum(locust_requests_per_second)", "requests/s"),
        ],
        alerts=["Saturated"],
        no_data_text="No load runs: `make load`.",
    ),
    Series(
        "When did loads run, and with how many clients?",
        "The report of each load has its gates and its verdict: var/loads.",
        range_query("sum(locust_users)", "clients"),
        alerts=["Saturated"],
        no_data_text="No load runs: `make load`.",
    ),
    size=(12, 6),
)
COMPARISON = Section(
    "Do Locust and the services measure the same?",
    Series(
        "Do all requests that Locust sends arrive?",
        "Locust above the load balancer: clients wait for a connection. The load balancer above"
        " the services: it answers itself, with 503.",
        [
            range_query(f"sum(rate(locust_requests_total{sli.RATE}))", "Locust"),
            range_query(
                f'sum(rate(haproxy_frontend_http_requests_total{{proxy="public"}}{sli.RATE}))',
                "load balancer",
            ),
            range_query(sli.requests(SERVICE)),
        ],
        alerts=["NoTraffic", "LbBackendDown"],
        unit=units.RequestsPerSecond,
    ),
    Series(
        "How long do clients wait, and how long do services take?",
        "The difference between both is the wait in the load balancer's queue for a free worker"
        " thread: see the queue below.",
        [
            range_query(
                f"histogram_quantile(0.95, sum by (le) (rate({TIMES}{sli.RATE})))", "Locust 95 %"
            ),
            range_query(
                f"histogram_quantile(0.5, sum by (le) (rate({TIMES}{sli.RATE})))", "Locust median"
            ),
            range_query(sli.quantile(0.95, SERVICE), "{{service}} 95 %"),
        ],
        alerts=["HighLatency", "LbQueueing"],
        unit=units.Seconds,
    ),
    Series(
        "What share fails, on the side of Locust and of the services?",
        "Locust only: requests never reached a service. A service first: it is the cause.",
        [
            range_query(
                f"sum(rate(locust_failures_total{sli.RATE}))"
                f" / sum(rate(locust_requests_total{sli.RATE}))",
                "Locust",
            ),
            range_query(sli.error_ratio(SERVICE), "{{service}}"),
        ],
        alerts=[Limit("WebHighErrorRate"), "DataServiceErrors"],
        unit=units.PercentUnit,
        size=(12, 8),
    ),
    Series(
        "Which requests does Locust send?",
        "They should be mixed as defined by the users in loadtests/users.py. A missing one waits"
        " for a response.",
        range_query(f"sum by (method, name) (rate(locust_requests_total{sli.RATE}))"),
        alerts=["NoTraffic"],
        unit=units.RequestsPerSecond,
        size=(12, 8),
    ),
    size=(12, 9),
)
BOTTLENECKS = Section(
    "What is the bottleneck?",
    Series(
        "How many instances are available?",
        "Fewer than before: one failed under the load. More: the responder has started one, which"
        " an annotation shows.",
        range_query(
            f"sum by (service) ({sli.AS_SERVICE.format('haproxy_backend_active_servers')})"
        ),
        alerts=["Saturated", "Overprovisioned", "InstanceDown"],
    ),
    Series(
        "How many requests wait at the load balancer?",
        "Above zero for a minute: all worker threads are in use. Check which instances are slow"
        " or down before you add more.",
        range_query(
            "sum by (service) ("
            + sli.AS_SERVICE.format('haproxy_backend_current_queue{size=""}')
            + ")"
        ),
        alerts=[Limit("LbQueueing"), "Saturated"],
    ),
    Series(
        "What share of the load balancer's connections is in use?",
        "Above the line for two minutes: clients are slow, or too many. At 100 % new ones wait"
        " without an answer.",
        range_query(
            'sum by (instance) (haproxy_frontend_current_sessions{proxy="public"})'
            ' / sum by (instance) (haproxy_frontend_limit_sessions{proxy="public"})',
            "{{instance}}",
        ),
        alerts=[Limit("LbConnectionsHigh")],
        unit=units.PercentUnit,
    ),
    Series(
        "What share of the worker threads is in use?",
        "Above the line the responder starts another instance, up to the maximum.",
        range_query(
            f"sum by (service) (http_requests_in_flight{{{SERVICE}}}) / sum by (service) ({LIMITS})"
        ),
        alerts=[Limit("Saturated"), "Overprovisioned"],
        unit=units.PercentUnit,
    ),
    Series(
        "How much of a core does each instance use?",
        "Above the line the instance itself is the bottleneck, not a service that it calls.",
        range_query(
            "sum by (instance) (rate(process_cpu_seconds_total"
            f'{{job="services", {SERVICE}}}{sli.RATE}))'
        ),
        alerts=[Limit("CpuSaturated")],
        unit=units.PercentUnit,
    ),
    Series(
        "How busy is the host?",
        "Above the line everything on the host waits, Locust too, so its measurements are too"
        " high. Run Locust on another machine.",
        range_query(
            "avg by (instance) (sum by (instance, cpu) (rate(node_cpu_seconds_total"
            f'{{mode!~"idle|iowait"}}{sli.RATE})))'
        ),
        alerts=[Limit("HostCpuHigh")],
        unit=units.PercentUnit,
    ),
    Series(
        "How much memory do the instances use?",
        "It should return to its previous level after the load. The remainder is kept in memory.",
        [
            range_query(
                f'sum by (instance) (process_resident_memory_bytes{{job="services", {SERVICE}}})'
            ),
            range_query(sli.memory_limit(), "limit of {{service}}"),
        ],
        alerts=["MemoryLeak"],
        unit=units.BytesIEC,
    ),
)
SPEC = DashboardSpec(
    uid="load",
    title="What does a load do to the services?",
    description=(
        "Locust's measurements beside the services' own, the instances, and the queues. Locust"
        " exists only while a load runs: `make load`."
    ),
    time_from="now-15m",
    refresh="5s",
    variables=[services()],
    sections=[NOW, COMPARISON, BOTTLENECKS],
)
