"""Who uses the machine."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from ..look import Look
from ..page import Panels, Section
from ..panels import series
from ..queries import asked
from ..rules import limit
from ..sli import RATE


def parts() -> Section:
    """Return the panels of every instance of everything."""
    return Section(
        "Who uses it: every instance of everything, as a process or in its container?",
        [*_users(), *_ends()],
    )


def _users() -> Panels:
    return [
        series(
            Look(
                "Who takes how much memory?",
                "One that grows without an end is a leak. docker-compose.yml has the limit of"
                " each container; at it the kernel kills it.",
                units.BytesIEC,
                ["MemoryLeak", "HostMemoryLow"],
                size=(12, 10),
            ),
            asked("max by (instance) (process_resident_memory_bytes)", "{{instance}}"),
            asked("max by (instance) (otelcol_process_memory_rss_bytes)", "{{instance}}"),
            asked("max by (instance) (haproxy_process_pool_allocated_bytes)", "{{instance}} pools"),
        ),
        series(
            Look(
                "Who uses how much of a core?",
                "A service over the line has no room for more requests; anything else that is"
                " so busy takes it from the services.",
                units.PercentUnit,
                ["CpuSaturated", "HostCpuHigh"],
                [limit("CpuSaturated")],
                size=(12, 10),
            ),
            asked(f"max by (instance) (rate(process_cpu_seconds_total{RATE}))", "{{instance}}"),
            asked(
                f"max by (instance) (rate(otelcol_process_cpu_seconds_total{RATE}))",
                "{{instance}}",
            ),
        ),
    ]


def _ends() -> Panels:
    return [
        series(
            Look(
                "Who restarted within the last hour?",
                "Anything that nobody restarted on purpose ended by itself, or was killed for"
                " its memory.",
                units.Short,
                ["InstanceCrashLooping", "InstanceDown"],
                size=(12, 8),
            ),
            asked("max by (instance) (changes(process_start_time_seconds[1h]))", "{{instance}}"),
        ),
        series(
            Look(
                "How many processes did the kernel kill for their memory?",
                "More than none: something took all of it. See who grew before, and give it a"
                " limit.",
                units.Short,
                ["HostMemoryLow", "MemoryLeak"],
                size=(12, 8),
            ),
            asked(
                "max by (instance) (increase(node_vmstat_oom_kill[$__rate_interval]))",
                "{{instance}}",
            ),
        ),
    ]
