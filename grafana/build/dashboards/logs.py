"""The dashboard that shows the logs, and the lines of a single request."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import sli
from ..dashboard_builder import DashboardSpec, Panels, Section, build_dashboard
from ..panel_style import PanelSpec
from ..panels import bars, lines, series
from ..queries import instant_query, log_query, range_query
from ..rules import limit
from ..state_panels import table_panel
from ..variables import custom_variable, log_sources, text_variable
from .logs_top_messages import CHOSEN, top_messages

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
)
# Ids that begin with the typed text, or all lines without one.
MATCHING = f"{CHOSEN} |= `$search` | trace_id=~`$trace.*` | request_id=~`$request.*`"
LOKI_ALERTS = "UnhandledExceptions|LogPatternSuspicious|LogsMissing"


def make() -> Dashboard:
    """Return the dashboard."""
    return build_dashboard(SPEC, _search(), _volume(), top_messages(), _carried())


def _search() -> Section:
    return Section(
        "Which lines are there?",
        [
            lines(
                PanelSpec(
                    "Which lines match?",
                    "Choose services and levels above, or type the beginning of a trace id or a"
                    " request id, or some text. Without a match, the line is older than a week or"
                    " was never delivered.",
                    units.Short,
                    ["LogsMissing", "ErrorLogBurst"],
                    size=(14, 12),
                ),
                log_query(MATCHING),
            ),
            lines(
                PanelSpec(
                    "Which lines belong to one request, in all services?",
                    "With a trace id above, the lines of that request in all services; without"
                    " one, the lines of all requests. The first error is the cause.",
                    units.Short,
                    ["UnhandledExceptions", "DependencyFailing"],
                    size=(10, 12),
                ),
                log_query('{service=~".+"} | trace_id=~`$trace.*` | trace_id != ``'),
            ),
        ],
    )


def _volume() -> Section:
    return Section(
        "How many lines are there?",
        [*_counts(), *_rates()],
    )


def _counts() -> Panels:
    return [
        bars(
            PanelSpec(
                "How many lines does each service log?",
                "Many lines of one service: see its most frequent messages below. No lines of a"
                " service that handles requests: they are not delivered.",
                units.Short,
                ["LogFlood", "LogsMissing"],
                size=(12, 8),
            ),
            log_query(f"sum by (service) (count_over_time({CHOSEN} [$__auto]))", "{{service}}"),
        ),
        bars(
            PanelSpec(
                "How many lines are there of each level?",
                "Many ERROR lines mostly have a single recurring cause. UNKNOWN are lines that do"
                " not follow the log contract.",
                units.Short,
                ["ErrorLogBurst"],
                size=(12, 8),
            ),
            log_query(f"sum by (level) (count_over_time({CHOSEN} [$__auto]))", "{{level}}"),
        ),
    ]


def _rates() -> Panels:
    return [
        series(
            PanelSpec(
                "How many errors per second does each service log?",
                "Above the line an alert fires: see the exceptions and messages below.",
                units.OpsPerSecond,
                ["ErrorLogBurst"],
                [limit("ErrorLogBurst")],
                size=(12, 8),
            ),
            range_query(
                "sum by (service) (rate(log_records_total"
                f'{{service=~"$service", level=~"ERROR|CRITICAL"}}{sli.RATE}))',
                "{{service}}",
            ),
        ),
        series(
            PanelSpec(
                "How many lines per second does each instance log?",
                "Above the line there are more lines than the queue can hold for an hour without"
                " Loki: find the loop, or raise LOG_LEVEL.",
                units.OpsPerSecond,
                ["LogFlood"],
                [limit("LogFlood")],
                size=(12, 8),
            ),
            range_query(
                f'sum by (instance) (rate(log_records_total{{service=~"$service"}}{sli.RATE}))',
                "{{instance}}",
            ),
        ),
    ]


def _carried() -> Section:
    return Section(
        "Are the lines delivered?",
        [
            series(
                PanelSpec(
                    "How many bytes wait for delivery?",
                    "Above the line Loki is down or slow. No line is lost: they wait on disk, and"
                    " searches here lag behind.",
                    units.BytesIEC,
                    ["LogPipelineLagging", "LogPipelineDown"],
                    [limit("LogPipelineLagging")],
                    size=(12, 8),
                ),
                range_query("sum by (instance) (otelcol_exporter_queue_size)", "{{instance}}"),
            ),
            table_panel(
                PanelSpec(
                    "Which alerts on log lines were notified?",
                    "Loki evaluates these alerts, so Prometheus does not list them. Open the"
                    " runbook of the most frequent one.",
                    units.Short,
                    ["UnhandledExceptions", "LogPatternSuspicious", "LogsMissing"],
                    size=(12, 8),
                ),
                {"alert": "Alert", "status": "Status", "Value #A": "Times"},
                instant_query(
                    "round(sum by (alert, status) (increase("
                    f'responder_notifications_total{{alert=~"{LOKI_ALERTS}"}}[$__range])))'
                ),
                sort="Times",
                link="${responder}/runbooks/${__value.raw}",
            ),
        ],
    )
