"""The dashboard that shows the logs, and the lines of a single request."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from .. import sli
from ..dashboard_builder import DashboardSpec, Section
from ..panels import Bars, Lines, Series, Table
from ..queries import instant_log_query, instant_query, log_query, range_query
from ..rules import Limit
from ..variables import custom_variable, log_sources, text_variable

CHOSEN = '{service=~"$service", level=~"$level"}'
# Ids that begin with the typed text, or all lines without one.
MATCHING = f"{CHOSEN} |= `$search` | trace_id=~`$trace.*` | request_id=~`$request.*`"
LOKI_ALERTS = "UnhandledExceptions|LogPatternSuspicious|LogsMissing"
TROUBLE = '{service=~"$service", level=~"ERROR|CRITICAL"}'
# As in AccessLogIncomplete.
LINES_PER_S, REQUESTS_PER_S = (
    f'sum by (instance) (rate({name}{{service=~"$service"}}{sli.RATE}))'
    for name in ("access_log_lines_total", "flask_http_request_total")
)
# As in LogPatternSuspicious.
REFUSED = '{service="lb"} | frontend="public" | status >= 400 | status < 500'
# The message is not a field, so its beginning becomes one to group by.
MESSAGE_LABEL = "| label_format text=`{{ __line__ | trunc 120 }}`"
SEARCH = Section(
    "Which lines are there?",
    Lines(
        "Which lines match?",
        "Choose services and levels above, or type the beginning of a trace id or a request id,"
        " or some text. Without a match, the line is older than a week or was never delivered.",
        log_query(MATCHING),
        alerts=["LogsMissing", "ErrorLogBurst"],
    ),
    Lines(
        "Which lines belong to one request, in all services?",
        "With a trace id above, the lines of that request in all services; without one, the lines"
        " of all requests. The first error is the cause.",
        log_query('{service=~".+"} | trace_id=~`$trace.*` | trace_id != ``'),
        alerts=["UnhandledExceptions", "DependencyFailing"],
        size=(10, 12),
    ),
    size=(14, 12),
)
VOLUME = Section(
    "How many lines are there?",
    Bars(
        "How many lines does each service log?",
        "Many lines of one service: see its most frequent messages below. No lines of a service"
        " that handles requests: they are not delivered.",
        log_query(f"sum by (service) (count_over_time({CHOSEN} [$__auto]))"),
        alerts=["LogFlood", "LogsMissing"],
    ),
    Bars(
        "How many lines are there of each level?",
        "Many ERROR lines mostly have a single recurring cause. UNKNOWN are lines that do not"
        " follow the log contract.",
        log_query(f"sum by (level) (count_over_time({CHOSEN} [$__auto]))"),
        alerts=["ErrorLogBurst"],
    ),
    Series(
        "How many errors per second does each service log?",
        "Above the line an alert fires: see the exceptions and messages below.",
        range_query(
            "sum by (service) (rate(log_records_total"
            f'{{service=~"$service", level=~"ERROR|CRITICAL"}}{sli.RATE}))'
        ),
        alerts=[Limit("ErrorLogBurst")],
        unit=units.OpsPerSecond,
    ),
    Series(
        "How many lines per second does each instance log?",
        "Above the line there are more lines than the queue can hold for an hour without Loki:"
        " find the loop, or raise LOG_LEVEL.",
        range_query(
            f'sum by (instance) (rate(log_records_total{{service=~"$service"}}{sli.RATE}))'
        ),
        alerts=[Limit("LogFlood")],
        unit=units.OpsPerSecond,
    ),
    size=(12, 8),
)
TOP_MESSAGES = Section(
    "What is logged most often?",
    Table(
        "Which messages are the most frequent?",
        "Start with a message that outnumbers all others. The first 120 characters count as the"
        " message.",
        instant_log_query(
            f"topk(15, sum by (service, level, text) (count_over_time({CHOSEN} {MESSAGE_LABEL}"
            " [$__range])))"
        ),
        alerts=["ErrorLogBurst", "LogFlood"],
        columns={"service": "Service", "level": "Level", "text": "Message", "Value #A": "Lines"},
        sort="Lines",
    ),
    Table(
        "Which exceptions are the most frequent?",
        "Each is a bug, or a failure of another service that is not handled. An empty list is the"
        " normal state.",
        instant_log_query(
            "topk(15, sum by (service, exception_type, exception_message)"
            f" (count_over_time({TROUBLE} | exception_type != `` [$__range])))"
        ),
        alerts=["UnhandledExceptions"],
        columns={
            "service": "Service",
            "exception_type": "Type",
            "exception_message": "Message",
            "Value #A": "Lines",
        },
        sort="Lines",
    ),
    Series(
        "How many exceptions per second does each service raise?",
        "Above the line an alert fires. Types and stacks are in the lines above.",
        log_query(
            f"sum by (service, exception_type) (rate({TROUBLE} | exception_type != `` [$__auto]))"
        ),
        alerts=[Limit("UnhandledExceptions")],
        unit=units.OpsPerSecond,
        size=(12, 8),
    ),
    Series(
        "How many requests of each client are rejected?",
        "A client above the line is a scanner, or a program that retries without a delay. The"
        " name of the series is its address.",
        log_query(f"topk(10, sum by (client) (rate({REFUSED} [$__auto])))", "{{client}}"),
        alerts=[Limit("LogPatternSuspicious", ")")],
        unit=units.RequestsPerSecond,
        size=(12, 8),
    ),
    size=(12, 10),
)
DELIVERY = Section(
    "Are the lines written and delivered?",
    Series(
        "What share of the requests has no access line?",
        "Above the line an instance counts requests that it does not log: its logging is broken."
        " Without series, LOG_LEVEL is above INFO.",
        range_query(f"clamp_min(1 - {LINES_PER_S} / {REQUESTS_PER_S}, 0)", "{{instance}}"),
        alerts=[Limit("AccessLogIncomplete"), "LogsMissing"],
        unit=units.PercentUnit,
    ),
    Series(
        "How many bytes wait for delivery?",
        "Above the line Loki is down or slow. No line is lost: they wait on disk, and searches"
        " here lag behind.",
        range_query("sum by (instance) (otelcol_exporter_queue_size)"),
        alerts=[Limit("LogPipelineLagging"), "LogPipelineDown"],
        unit=units.BytesIEC,
    ),
    Series(
        "How many lines per second are lost?",
        "Above 0 a disk is full or a pipe is closed. The first line after them says how many were"
        " lost, and since when.",
        [
            range_query(
                f'sum by (instance) (rate(log_lines_lost_total{{service=~"$service"}}{sli.RATE}))',
                "{{instance}}: stdout",
            ),
            range_query(
                "sum by (process) (rate(supervisor_log_lines_lost_total"
                f'{{process=~"($service)-[0-9]+"}}{sli.RATE}))',
                "{{process}}: file",
            ),
        ],
        alerts=["LogLinesLost", "AccessLogIncomplete"],
        unit=units.OpsPerSecond,
    ),
    Table(
        "Which alerts on log lines were notified?",
        "Loki evaluates these alerts, so Prometheus does not list them. Open the runbook of the"
        " most frequent one.",
        instant_query(
            "round(sum by (alert, status) (increase("
            f'responder_notifications_total{{alert=~"{LOKI_ALERTS}"}}[$__range])))'
        ),
        alerts=["UnhandledExceptions", "LogPatternSuspicious", "LogsMissing"],
        columns={"alert": "Alert", "status": "Status", "Value #A": "Times"},
        sort="Times",
        link="${responder}/runbooks/${__value.raw}",
    ),
    size=(6, 8),
)
SPEC = DashboardSpec(
    uid="logs",
    title="What do the logs say?",
    description=(
        "The number of lines by service and level, the most frequent messages and exceptions, and"
        " the lines of one request, by its trace id or request id."
    ),
    time_from="now-15m",
    variables=[
        log_sources(),
        custom_variable("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "UNKNOWN"]),
        text_variable("trace", "Trace id"),
        text_variable("request", "Request id"),
        text_variable("search", "Text"),
    ],
    sections=[SEARCH, VOLUME, TOP_MESSAGES, DELIVERY],
)
