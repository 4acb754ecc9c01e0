"""The panels of the dashboard `service` that show its processes and their logs."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from .. import sli
from ..dashboard_builder import Panels, Section
from ..panel_style import PanelSpec
from ..panels import bars, lines, series, stats
from ..queries import instant_query, log_query, range_query
from ..rules import limit
from ..sli import INSTANCE


def process() -> Section:
    """Return the panels of its processes."""
    return Section(
        "What do its processes use?",
        [*_resources(), *_starts()],
    )


def _resources() -> Panels:
    return [
        series(
            PanelSpec(
                "How much memory do they use?",
                "Unbounded growth is a leak; the line is the budget of an instance. The responder"
                " restarts it before it exceeds the budget. Find what it keeps in memory.",
                units.BytesIEC,
                ["MemoryLeak"],
                [limit("MemoryLeak")],
            ),
            range_query(
                f"sum by (instance) (process_resident_memory_bytes{{{INSTANCE}}})", "{{instance}}"
            ),
        ),
        series(
            PanelSpec(
                "How much of a core do they use?",
                "An instance is one Python process and cannot use more than one core. Above the"
                " line requests wait for it: add instances, or find what computes so much.",
                units.PercentUnit,
                ["CpuSaturated"],
                [limit("CpuSaturated")],
            ),
            range_query(
                f"sum by (instance) (rate(process_cpu_seconds_total{{{INSTANCE}}}{sli.RATE}))",
                "{{instance}}",
            ),
        ),
        series(
            PanelSpec(
                "How many open files and series do they have?",
                "A growing number of files means that they are never closed. Series above the"
                " line come from a label with unbounded values.",
                units.Short,
                ["CardinalityHigh", "InstanceCrashLooping"],
                [limit("CardinalityHigh")],
            ),
            range_query(
                f"sum by (instance) (process_open_fds{{{INSTANCE}}})", "{{instance}} files"
            ),
            range_query(
                f"max by (instance) (scrape_samples_post_metric_relabeling{{{INSTANCE}}})",
                "{{instance}} series",
            ),
        ),
    ]


def _starts() -> Panels:
    return [
        series(
            PanelSpec(
                "How often did they restart within 4 minutes?",
                "Above the line the instance is in a crash loop: read its last lines before each"
                " end.",
                units.Short,
                ["InstanceCrashLooping"],
                [limit("InstanceCrashLooping")],
                size=(8, 7),
            ),
            range_query(
                f"max by (instance) (changes(process_start_time_seconds{{{INSTANCE}}}[4m]))",
                "{{instance}}",
            ),
        ),
        series(
            PanelSpec(
                "How far do their clocks differ from Prometheus's?",
                "Above the line their log lines are out of order: correct the clock of their host.",
                units.Seconds,
                ["ClockSkew"],
                [limit("ClockSkew")],
                size=(8, 7),
            ),
            range_query(
                f"max by (instance) (abs(app_clock_seconds{{{INSTANCE}}}"
                f" - timestamp(app_clock_seconds{{{INSTANCE}}})))",
                "{{instance}}",
            ),
        ),
        stats(
            PanelSpec(
                "Which versions run?",
                "Two at a time outside of a release: an instance was not updated.",
                units.Short,
                ["InstanceCrashLooping"],
                size=(8, 7),
            ),
            instant_query(
                f"count by (service, version) (app_info{{{INSTANCE}}})", "{{service}} {{version}}"
            ),
        ),
    ]


def log_lines() -> Section:
    """Return the panels of its log lines."""
    return Section(
        "What does it log?",
        [*_counted(), *_newest()],
    )


def _counted() -> Panels:
    return [
        series(
            PanelSpec(
                "How many lines of each level does it log?",
                "Errors above the line: see the exceptions beside. Many lines in total: a loop,"
                " or a log level that is too low.",
                units.OpsPerSecond,
                ["ErrorLogBurst", "LogFlood"],
                [limit("ErrorLogBurst")],
            ),
            range_query(
                f"sum by (level) (rate(log_records_total{{{INSTANCE}}}{sli.RATE}))", "{{level}}"
            ),
        ),
        series(
            PanelSpec(
                "How many of its requests end in an exception?",
                "Above zero: an unhandled error in the code. Types and stacks are beside, the"
                " lines below.",
                units.RequestsPerSecond,
                ["UnhandledExceptions", "WebHighErrorRate"],
            ),
            range_query(
                f"sum by (instance) (rate(flask_http_request_exceptions_total{{{INSTANCE}}}"
                f"{sli.RATE})) or 0 * sum by (instance) (up{{{INSTANCE}}})",
                "{{instance}}",
            ),
        ),
        bars(
            PanelSpec(
                "Which exceptions does it raise?",
                "One type repeatedly is a bug, or a failing service behind it. The stack is in"
                " the fields of the lines below.",
                units.Short,
                ["UnhandledExceptions", "ErrorLogBurst"],
            ),
            log_query(
                "sum by (service, exception_type) (count_over_time("
                f'{{{INSTANCE}, level=~"ERROR|CRITICAL"}} | exception_type != "" [$__auto]))',
                "{{service}} {{exception_type}}",
            ),
        ),
    ]


def _newest() -> Panels:
    return [
        lines(
            PanelSpec(
                "What are its newest lines?",
                "Click a line to see its fields. Its trace id leads to the same request in all"
                " services.",
                units.Short,
                ["LogsMissing", "ErrorLogBurst"],
                size=(24, 10),
            ),
            log_query(f"{{{INSTANCE}}}"),
        ),
    ]
