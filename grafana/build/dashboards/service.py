"""The dashboard that shows the state of one service and its instances."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from .. import sli, value_texts
from ..dashboard_builder import DashboardSpec, Section
from ..panels import RUNBOOK, Bars, Lines, Series, StateTimeline, Stats, Table
from ..queries import exemplar_query, instant_query, log_query, range_query
from ..rules import Limit
from ..sli import INSTANCE, SERVICE
from ..variables import instances, services

ROUTE = "service, method, url_rule"
COUNT = "flask_http_request_duration_seconds_count"
LIMITS = sli.AS_SERVICE.format(sli.CAPACITY)
IN_USE = f"sum by (service) (http_requests_in_flight{{{SERVICE}}})"
CALL = "http_client_request_duration_seconds"
INSTANCES = Section(
    "Is it up?",
    StateTimeline(
        "Which instances answer scrapes?",
        "Down for long: neither its supervisor nor the responder restarts it. Read its last lines"
        " below. Down repeatedly: it ends soon after each start.",
        range_query(f"max by (service, instance) (up{{{INSTANCE}}})", "{{instance}}"),
        alerts=["InstanceDown", "ServiceDown", "InstanceCrashLooping"],
        value_texts=value_texts.UP,
    ),
    Table(
        "Which of its alerts fire?",
        "Click a name to open its runbook. An empty list is the normal state.",
        instant_query(sli.firing_alerts(SERVICE)),
        alerts=["InstanceUnready", "InstanceHung", "DependencyFailing"],
        columns={"alertname": "Alert", "severity": "Severity", "instance": "Instance"},
        link=RUNBOOK,
    ),
    size=(12, 7),
)
REQUESTS = Section(
    "How do its requests perform?",
    Series(
        "How many requests does each route get?",
        "Far fewer than usual: clients cannot reach it. Far more: check whether worker threads"
        " and cores suffice.",
        range_query(
            f"sum by ({ROUTE}) (rate({COUNT}{{{INSTANCE}}}{sli.RATE}))", "{{method}} {{url_rule}}"
        ),
        alerts=["NoTraffic", "LbBackendDown"],
        unit=units.RequestsPerSecond,
    ),
    Series(
        "What share of the requests fails?",
        "Above the line an alert fires. Open the service that failed first: the cause is often a"
        " service that it calls, which fails earlier. More for the clients than for the instances:"
        " the load balancer answers, or instances end.",
        [
            range_query(sli.client_error_ratio(SERVICE), "{{service}} clients"),
            range_query(sli.error_ratio(INSTANCE, "service, instance"), "{{instance}}"),
        ],
        alerts=[Limit("WebHighErrorRate"), "DataServiceErrors", "LbErrorsUnexplained"],
        unit=units.PercentUnit,
    ),
    Series(
        "What are the results of the requests?",
        "More 5xx: the service, or one that it calls, fails. More 4xx: clients request unknown"
        " paths, or send invalid data.",
        range_query(sli.requests(INSTANCE, "service, status")),
        alerts=["WebHighErrorRate", "DataServiceErrors"],
        unit=units.RequestsPerSecond,
    ),
    Series(
        "How long do responses take?",
        "Only the 99th percentile grows: few requests wait, for a lock or a restart. The median"
        " grows too: all wait. Click a point, which is a request, to see its log lines.",
        [
            exemplar_query(sli.quantile(0.5, INSTANCE), "{{service}} median"),
            exemplar_query(sli.quantile(0.95, INSTANCE), "{{service}} 95 %"),
            exemplar_query(sli.quantile(0.99, INSTANCE), "{{service}} 99 %"),
        ],
        alerts=["HighLatency", "LatencyBurnFast"],
        unit=units.Seconds,
        size=(8, 9),
    ),
    Series(
        "What is the 95th percentile of each route?",
        "A single slow route: its own work has become slow. All routes: the instance is busy, or"
        " something that they share is slow.",
        range_query(sli.quantile(0.95, INSTANCE, ROUTE), "{{method}} {{url_rule}}"),
        alerts=["HighLatency"],
        unit=units.Seconds,
        size=(8, 9),
    ),
    Series(
        "What share of the responses is fast enough?",
        "Below the objective's line an alert fires. The service's dashboard shows whether a route"
        " is slow, its instances are busy, or it waits for another service.",
        [
            range_query(sli.fast_ratio(INSTANCE), "{{service}} within {{le}} s"),
            range_query(
                f"max by (service) (service:latency_objective:ratio{{{SERVICE}}})",
                "{{service}} objective",
            ),
        ],
        alerts=["HighLatency", "LatencyBurnFast", "LatencyBurnSlow"],
        unit=units.PercentUnit,
        highest=1,
        size=(8, 9),
    ),
)
CAPACITY = Section(
    "Does it have spare capacity?",
    Series(
        "How many requests are in flight?",
        "One instance with many and the others with few: that instance hangs or is slow. All with"
        " many: there are too few instances, or a service that they call is slow.",
        range_query(f"sum by (instance) (http_requests_in_flight{{{INSTANCE}}})"),
        alerts=["Saturated", "InstanceHung"],
    ),
    Series(
        "What share of its worker threads is in use?",
        "Capacity is the number of requests that the load balancer sends to an instance at a"
        " time, one worker thread each. Above the line the responder starts another instance. At"
        " the maximum, find out what is slow.",
        range_query(f"{IN_USE} / sum by (service) ({LIMITS})"),
        alerts=[Limit("Saturated"), "Overprovisioned"],
        unit=units.PercentUnit,
    ),
    Series(
        "How many requests wait at the load balancer?",
        "Above zero for a minute: all worker threads are in use. Check which instances are slow"
        " or down before you add more.",
        range_query(
            "sum by (service) ("
            + sli.AS_SERVICE.format('haproxy_backend_current_queue{proxy=~"$service",size=""}')
            + ")"
        ),
        alerts=[Limit("LbQueueing"), "LbBackendDown"],
    ),
    Series(
        "How many requests does the load balancer repeat?",
        "Above zero: instances end, or refuse connections. It repeats a request once, so these are"
        " not errors yet. `alertdrill logs lb` shows them: `retries` is not 0.",
        range_query(
            "sum by (service) ("
            + sli.AS_SERVICE.format(
                f'rate(haproxy_backend_retry_warnings_total{{proxy=~"$service"}}{sli.RATE})'
            )
            + ")"
        ),
        alerts=["InstanceCrashLooping", "InstanceDown"],
        unit=units.RequestsPerSecond,
    ),
)
CALLS = Section(
    "How do the services that it calls perform?",
    StateTimeline(
        "Is a circuit breaker open?",
        "Open: the service has stopped calling a peer that failed, and responds without it. Check"
        " the peer; the circuit breaker closes by itself.",
        range_query(
            f"max by (service, instance, peer) (circuit_breaker_open{{{INSTANCE}}})",
            "{{instance}} to {{peer}}",
        ),
        alerts=["DependencyFailing"],
        value_texts=value_texts.BREAKER,
    ),
    Series(
        "What are the results of its calls?",
        "`error`: no response arrived, so the called service is down or too slow.",
        range_query(
            f"sum by (service, peer, status) (rate({CALL}_count{{{INSTANCE}}}{sli.RATE}))",
            "{{peer}} {{status}}",
        ),
        alerts=["DependencyFailing", "DataServiceErrors"],
        unit=units.RequestsPerSecond,
    ),
    Series(
        "How long do its calls take?",
        "If they slow down together with its own responses, the called service is the cause."
        " Otherwise check the CPU and the worker threads of this service.",
        exemplar_query(
            f"histogram_quantile(0.95, sum by (service, peer, le) "
            f"(rate({CALL}_bucket{{{INSTANCE}}}{sli.RATE})))",
            "{{peer}} 95 %",
        ),
        alerts=["HighLatency", "DependencyFailing"],
        unit=units.Seconds,
    ),
)
PROCESSES = Section(
    "What do its processes use?",
    Series(
        "How much memory do they use?",
        "Growth towards the line `limit of` is a leak. The responder restarts the instance before"
        " it exceeds the limit. Find what it keeps in memory.",
        [
            range_query(f"sum by (instance) (process_resident_memory_bytes{{{INSTANCE}}})"),
            range_query(sli.memory_limit(), "limit of {{service}}"),
        ],
        alerts=["MemoryLeak"],
        unit=units.BytesIEC,
    ),
    Series(
        "How much of a core do they use?",
        "An instance is one Python process and cannot use more than one core. Above the line"
        " requests wait for it: add instances, or find what computes so much.",
        range_query(f"sum by (instance) (rate(process_cpu_seconds_total{{{INSTANCE}}}{sli.RATE}))"),
        alerts=[Limit("CpuSaturated")],
        unit=units.PercentUnit,
    ),
    Series(
        "How many open files and series do they have?",
        "A growing number of files means that they are never closed. Series above the line"
        " `limit of` come from a label with unbounded values.",
        [
            range_query(
                f"sum by (instance) (process_open_fds{{{INSTANCE}}})", "{{instance}} files"
            ),
            range_query(
                f"max by (instance) (scrape_samples_post_metric_relabeling{{{INSTANCE}}})",
                "{{instance}} series",
            ),
            range_query(sli.series_limit(), "limit of {{service}}"),
        ],
        alerts=["CardinalityHigh", "InstanceCrashLooping"],
    ),
    Series(
        "How often did they restart within 4 minutes?",
        "Above the line the instance is in a crash loop: read its last lines before each end.",
        range_query(f"max by (instance) (changes(process_start_time_seconds{{{INSTANCE}}}[4m]))"),
        alerts=[Limit("InstanceCrashLooping")],
        size=(8, 7),
    ),
    Series(
        "How far do their clocks differ from Prometheus's?",
        "Above the line their log lines are out of order: correct the clock of their host.",
        range_query(
            f"max by (instance) (abs(app_clock_seconds{{{INSTANCE}}}"
            f" - timestamp(app_clock_seconds{{{INSTANCE}}})))"
        ),
        alerts=[Limit("ClockSkew")],
        unit=units.Seconds,
        size=(8, 7),
    ),
    Stats(
        "Which versions run?",
        "Two at a time outside of a release: an instance was not updated.",
        instant_query(f"count by (service, version) (app_info{{{INSTANCE}}})"),
        alerts=["InstanceCrashLooping"],
        size=(8, 7),
    ),
)
LOGS = Section(
    "What does it log?",
    Series(
        "How many lines of each level does it log?",
        "Errors above the line: see the exceptions beside. Many lines in total: a loop, or a log"
        " level that is too low.",
        range_query(f"sum by (level) (rate(log_records_total{{{INSTANCE}}}{sli.RATE}))"),
        alerts=[Limit("ErrorLogBurst"), "LogFlood"],
        unit=units.OpsPerSecond,
    ),
    Series(
        "How many of its requests end in an exception?",
        "Above zero: an unhandled error in the code. Types and stacks are beside, the lines below.",
        range_query(
            f"sum by (instance) (rate(flask_http_request_exceptions_total{{{INSTANCE}}}"
            f"{sli.RATE})) or 0 * sum by (instance) (up{{{INSTANCE}}})"
        ),
        alerts=["UnhandledExceptions", "WebHighErrorRate"],
        unit=units.RequestsPerSecond,
    ),
    Bars(
        "Which exceptions does it raise?",
        "One type repeatedly is a bug, or a failing service behind it. The stack is in the fields"
        " of the lines below.",
        log_query(
            "sum by (service, exception_type) (count_over_time("
            f'{{{INSTANCE}, level=~"ERROR|CRITICAL"}} | exception_type != "" [$__auto]))'
        ),
        alerts=["UnhandledExceptions", "ErrorLogBurst"],
    ),
    Lines(
        "What are its newest lines?",
        "Click a line to see its fields. Its trace id leads to the same request in all services.",
        log_query(f"{{{INSTANCE}}}"),
        alerts=["LogsMissing", "ErrorLogBurst"],
        size=(24, 10),
    ),
)
SPEC = DashboardSpec(
    uid="service",
    title="What is the state of a service?",
    description=(
        "Rate, errors and duration of a service's requests, its capacity, processes, alerts and"
        " log lines. It works for any service that follows the contract."
    ),
    variables=[services(), instances()],
    sections=[INSTANCES, REQUESTS, CAPACITY, CALLS, PROCESSES, LOGS],
)
