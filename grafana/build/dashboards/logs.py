"""What do the logs say, and where is one request?"""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from .. import sli
from ..look import Look
from ..page import Page, Panels, Section, made
from ..panels import bars, lines, series
from ..queries import asked, logged, now
from ..rules import limit
from ..states import rows
from ..variables import choice, parts, text
from .logs_frequent import CHOSEN, frequent

PAGE = Page(
    uid="logs",
    title="What do the logs say?",
    says="How many lines there are of each service and level, the most frequent messages and"
    " exceptions, and the lines of one request, by its trace id or its request id.",
    since="now-15m",
    variables=[
        parts(),
        choice("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "UNKNOWN"]),
        text("trace", "Trace id"),
        text("request", "Request id"),
        text("search", "Text"),
    ],
)
# What begins as typed; with nothing typed, everything.
FOUND = f"{CHOSEN} |= `$search` | trace_id=~`$trace.*` | request_id=~`$request.*`"
OF_LINES = "UnhandledExceptions|LogPatternSuspicious|LogsMissing"


def make() -> Dashboard:
    """Return the dashboard."""
    return made(PAGE, _search(), _volume(), frequent(), _carried())


def _search() -> Section:
    return Section(
        "Where is it?",
        [
            lines(
                Look(
                    "Which lines are there?",
                    "Choose services and levels above, or type the beginning of a trace id or a"
                    " request id, or some text. Nothing found: the line is older than a week, or"
                    " was never carried.",
                    units.Short,
                    ["LogsMissing", "ErrorLogBurst"],
                    size=(14, 12),
                ),
                logged(FOUND),
            ),
            lines(
                Look(
                    "Where was one request, through all services?",
                    "With a trace id above, the lines of that request alone, in all services;"
                    " without one, those of every request. The first error of them is the cause.",
                    units.Short,
                    ["UnhandledExceptions", "DependencyFailing"],
                    size=(10, 12),
                ),
                logged('{service=~".+"} | trace_id=~`$trace.*` | trace_id != ``'),
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
            Look(
                "How many lines does each service log?",
                "Many of one service: see its most frequent messages below. None of one that"
                " serves: they are not carried.",
                units.Short,
                ["LogFlood", "LogsMissing"],
                size=(12, 8),
            ),
            logged(f"sum by (service) (count_over_time({CHOSEN} [$__auto]))", "{{service}}"),
        ),
        bars(
            Look(
                "How many lines are there of each level?",
                "A wall of ERROR is one cause that strikes again and again. UNKNOWN are lines"
                " that are not in the contract's form.",
                units.Short,
                ["ErrorLogBurst"],
                size=(12, 8),
            ),
            logged(f"sum by (level) (count_over_time({CHOSEN} [$__auto]))", "{{level}}"),
        ),
    ]


def _rates() -> Panels:
    return [
        series(
            Look(
                "How many errors a second does each service log?",
                "Over the line an alert fires: see the exceptions and messages below.",
                units.OpsPerSecond,
                ["ErrorLogBurst"],
                [limit("ErrorLogBurst")],
                size=(12, 8),
            ),
            asked(
                "sum by (service) (rate(log_records_total"
                f'{{service=~"$service", level=~"ERROR|CRITICAL"}}{sli.RATE}))',
                "{{service}}",
            ),
        ),
        series(
            Look(
                "How many lines a second does each instance log?",
                "Over the line there is more than can be kept for an hour without Loki: find"
                " the loop, or raise LOG_LEVEL.",
                units.OpsPerSecond,
                ["LogFlood"],
                [limit("LogFlood")],
                size=(12, 8),
            ),
            asked(
                f'sum by (instance) (rate(log_records_total{{service=~"$service"}}{sli.RATE}))',
                "{{instance}}",
            ),
        ),
    ]


def _carried() -> Section:
    return Section(
        "Are the lines carried?",
        [
            series(
                Look(
                    "How many bytes wait to be stored?",
                    "Over the line Loki is down or slow. Nothing is lost meanwhile: they wait on"
                    " disk, and what is searched here is older than it seems.",
                    units.BytesIEC,
                    ["LogPipelineLagging", "LogPipelineDown"],
                    [limit("LogPipelineLagging")],
                    size=(12, 8),
                ),
                asked("sum by (instance) (otelcol_exporter_queue_size)", "{{instance}}"),
            ),
            rows(
                Look(
                    "Which alerts about lines were told of?",
                    "Loki evaluates these, so they are in none of Prometheus's lists. Open the"
                    " runbook of the one that was told most.",
                    units.Short,
                    ["UnhandledExceptions", "LogPatternSuspicious", "LogsMissing"],
                    size=(12, 8),
                ),
                {"alert": "Alert", "status": "Status", "Value #A": "Times"},
                now(
                    "round(sum by (alert, status) (increase("
                    f'responder_notifications_total{{alert=~"{OF_LINES}"}}[$__range])))'
                ),
                sort="Times",
                link="${responder}/runbooks/${__value.raw}",
            ),
        ],
    )
