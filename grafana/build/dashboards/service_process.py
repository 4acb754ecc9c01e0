"""A service's processes and what they log."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from .. import sli
from ..look import Look
from ..page import Panels, Section
from ..panels import bars, lines, series, stats
from ..queries import asked, logged, now
from ..rules import limit
from ..sli import MINE


def process() -> Section:
    """Return the panels of its processes."""
    return Section(
        "How are its processes?",
        [*_resources(), *_starts()],
    )


def _resources() -> Panels:
    return [
        series(
            Look(
                "How much memory do they take?",
                "Growth without an end is a leak; the line is the budget of an instance. The"
                " responder restarts it before it is reached; find what is kept.",
                units.BytesIEC,
                ["MemoryLeak"],
                [limit("MemoryLeak")],
            ),
            asked(f"sum by (instance) (process_resident_memory_bytes{{{MINE}}})", "{{instance}}"),
        ),
        series(
            Look(
                "How much of a core do they use?",
                "An instance is one Python process and can't use more than a core. Over the"
                " line requests wait for it: add instances, or see what computes so much.",
                units.PercentUnit,
                ["CpuSaturated"],
                [limit("CpuSaturated")],
            ),
            asked(
                f"sum by (instance) (rate(process_cpu_seconds_total{{{MINE}}}{sli.RATE}))",
                "{{instance}}",
            ),
        ),
        series(
            Look(
                "How many files and series do they have?",
                "Files that only grow are never closed. Series over the line come from a label"
                " whose values have no bounds.",
                units.Short,
                ["CardinalityHigh", "InstanceCrashLooping"],
                [limit("CardinalityHigh")],
            ),
            asked(f"sum by (instance) (process_open_fds{{{MINE}}})", "{{instance}} files"),
            asked(
                f"max by (instance) (scrape_samples_post_metric_relabeling{{{MINE}}})",
                "{{instance}} series",
            ),
        ),
    ]


def _starts() -> Panels:
    return [
        series(
            Look(
                "How often did they start within 4 minutes?",
                "Over the line it starts again and again: see its last lines before each end.",
                units.Short,
                ["InstanceCrashLooping"],
                [limit("InstanceCrashLooping")],
                size=(8, 7),
            ),
            asked(
                f"max by (instance) (changes(process_start_time_seconds{{{MINE}}}[4m]))",
                "{{instance}}",
            ),
        ),
        series(
            Look(
                "How far are their clocks off?",
                "Over the line their log lines stand in a wrong order: set the clock of the"
                " machine that they run on.",
                units.Seconds,
                ["ClockSkew"],
                [limit("ClockSkew")],
                size=(8, 7),
            ),
            asked(
                f"max by (instance) (abs(app_clock_seconds{{{MINE}}}"
                f" - timestamp(app_clock_seconds{{{MINE}}})))",
                "{{instance}}",
            ),
        ),
        stats(
            Look(
                "Which versions run?",
                "Two at a time outside of a release: an instance was forgotten.",
                units.Short,
                ["InstanceCrashLooping"],
                size=(8, 7),
            ),
            now(f"count by (service, version) (app_info{{{MINE}}})", "{{service}} {{version}}"),
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
            Look(
                "How many lines of each level does it log?",
                "Errors over the line: see the exceptions beside. Many lines in all: a loop, or"
                " a level that is too low.",
                units.OpsPerSecond,
                ["ErrorLogBurst", "LogFlood"],
                [limit("ErrorLogBurst")],
            ),
            asked(f"sum by (level) (rate(log_records_total{{{MINE}}}{sli.RATE}))", "{{level}}"),
        ),
        series(
            Look(
                "How many of its requests end in an exception?",
                "More than none: something that the code does not expect. The types and stacks"
                " are beside, the lines below.",
                units.RequestsPerSecond,
                ["UnhandledExceptions", "WebHighErrorRate"],
            ),
            asked(
                f"sum by (instance) (rate(flask_http_request_exceptions_total{{{MINE}}}"
                f"{sli.RATE})) or 0 * sum by (instance) (up{{{MINE}}})",
                "{{instance}}",
            ),
        ),
        bars(
            Look(
                "Which exceptions does it meet?",
                "One kind again and again is a bug or a service that fails behind it: its stack"
                " is in the line's fields below.",
                units.Short,
                ["UnhandledExceptions", "ErrorLogBurst"],
            ),
            logged(
                "sum by (service, exception_type) (count_over_time("
                f'{{{MINE}, level=~"ERROR|CRITICAL"}} | exception_type != "" [$__auto]))',
                "{{service}} {{exception_type}}",
            ),
        ),
    ]


def _newest() -> Panels:
    return [
        lines(
            Look(
                "What are its newest lines?",
                "A click on a line shows its fields; its trace id leads to the same request in"
                " all services.",
                units.Short,
                ["LogsMissing", "ErrorLogBurst"],
                size=(24, 10),
            ),
            logged(f"{{{MINE}}}"),
        ),
    ]
