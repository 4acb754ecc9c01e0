"""The panels of the dashboard `host` that show the processes which use it."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from ..dashboard_builder import Panels, Section
from ..panel_style import PanelSpec
from ..panels import series
from ..queries import range_query
from ..rules import limit
from ..sli import RATE


def processes() -> Section:
    """Return the panels of all processes."""
    return Section(
        "Which processes use it, on the host or in containers?",
        [*_users(), *_ends()],
    )


def _users() -> Panels:
    return [
        series(
            PanelSpec(
                "How much memory does each process use?",
                "Unbounded growth is a leak. docker-compose.yml has the limit of each container;"
                " the kernel kills it at the limit.",
                units.BytesIEC,
                ["MemoryLeak", "HostMemoryLow"],
                size=(12, 10),
            ),
            range_query("max by (instance) (process_resident_memory_bytes)", "{{instance}}"),
            range_query("max by (instance) (otelcol_process_memory_rss_bytes)", "{{instance}}"),
            range_query(
                "max by (instance) (haproxy_process_pool_allocated_bytes)", "{{instance}} pools"
            ),
        ),
        series(
            PanelSpec(
                "How much of a core does each process use?",
                "A service above the line has no capacity for more requests. Any other busy"
                " process takes CPU from the services.",
                units.PercentUnit,
                ["CpuSaturated", "HostCpuHigh"],
                [limit("CpuSaturated")],
                size=(12, 10),
            ),
            range_query(
                f"max by (instance) (rate(process_cpu_seconds_total{RATE}))", "{{instance}}"
            ),
            range_query(
                f"max by (instance) (rate(otelcol_process_cpu_seconds_total{RATE}))",
                "{{instance}}",
            ),
        ),
    ]


def _ends() -> Panels:
    return [
        series(
            PanelSpec(
                "Which processes restarted in the last hour?",
                "A process that was not restarted on purpose ended by itself, or was killed for"
                " lack of memory.",
                units.Short,
                ["InstanceCrashLooping", "InstanceDown"],
                size=(12, 8),
            ),
            range_query(
                "max by (instance) (changes(process_start_time_seconds[1h]))", "{{instance}}"
            ),
        ),
        series(
            PanelSpec(
                "How many processes did the kernel kill for lack of memory?",
                "Above zero: a process used all of the memory. See which one grew before, and"
                " give it a limit.",
                units.Short,
                ["HostMemoryLow", "MemoryLeak"],
                size=(12, 8),
            ),
            range_query(
                "max by (instance) (increase(node_vmstat_oom_kill[$__rate_interval]))",
                "{{instance}}",
            ),
        ),
    ]
