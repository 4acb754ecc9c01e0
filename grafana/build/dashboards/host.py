"""Has the machine enough of everything, and who uses it?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from ..look import Look
from ..page import Page, Panels, Section, made
from ..panels import series, stats
from ..queries import asked, now
from ..rules import limit
from ..sli import RATE
from .host_parts import parts

PAGE = Page(
    uid="host",
    title="Has the machine enough of everything?",
    says="Processor, memory, disk, network and clock of the machine, and which instance of what"
    " uses how much of it, as a process or in its container.",
    refresh="30s",
)
BUSY = f'rate(node_cpu_seconds_total{{mode!~"idle|iowait"}}{RATE})'
# What is kept in memory is no disk, and an overlay is part of another.
DISKS = '{fstype!~"tmpfs|ramfs|overlay"}'
FREE = f"node_filesystem_avail_bytes{DISKS} / node_filesystem_size_bytes{DISKS}"
MEMORY = "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"


def make() -> Dashboard:
    """Return the dashboard."""
    return made(PAGE, _machine(), _disk(), parts())


def _machine() -> Section:
    return Section(
        "How is the machine?",
        [_left(), *_processor_and_memory(), *_load_and_clock()],
    )


def _left() -> stat.Panel:
    return stats(
        Look(
            "What is left now?",
            "Little memory: see below who takes it. Little disk: see how fast it goes.",
            units.PercentUnit,
            ["HostMemoryLow", "HostDiskFilling"],
            [limit("HostMemoryLow")],
            size=(24, 4),
        ),
        now(f"min by (instance) ({MEMORY})", "memory of {{instance}}"),
        now(f"min by (instance, mountpoint) ({FREE})", "disk {{mountpoint}}"),
        now(
            f"1 - avg by (instance) (sum by (instance, cpu) ({BUSY}))",
            "processor of {{instance}}",
        ),
    )


def _processor_and_memory() -> Panels:
    return [
        series(
            Look(
                "How busy is its processor?",
                "Over the line for minutes, everything waits: see below who uses it.",
                units.PercentUnit,
                ["HostCpuHigh", "CpuSaturated"],
                [limit("HostCpuHigh")],
            ),
            asked(f"avg by (instance) (sum by (instance, cpu) ({BUSY}))", "{{instance}}"),
        ),
        series(
            Look(
                "What is its processor busy with?",
                "Much of iowait: the disk is slow. Much of steal: other machines on the same"
                " hardware take it.",
                units.PercentUnit,
                ["HostCpuHigh"],
            ),
            asked(
                "avg by (mode) (sum by (mode, cpu) "
                f'(rate(node_cpu_seconds_total{{mode!="idle"}}{RATE})))',
                "{{mode}}",
            ),
        ),
        series(
            Look(
                "How much memory is available?",
                "Under the line the kernel soon kills a process. See below who grows.",
                units.PercentUnit,
                ["HostMemoryLow", "MemoryLeak"],
                [limit("HostMemoryLow")],
            ),
            asked(f"min by (instance) ({MEMORY})", "{{instance}}"),
        ),
    ]


def _load_and_clock() -> Panels:
    return [
        series(
            Look(
                "How many processes want a core?",
                "More than there are cores, for long: they wait for each other.",
                units.Short,
                ["HostCpuHigh"],
            ),
            asked("max by (instance) (node_load1)", "{{instance}} load, 1 min"),
            asked(
                "count by (instance) (sum by (instance, cpu) (node_cpu_seconds_total))",
                "{{instance}} cores",
            ),
        ),
        series(
            Look(
                "How much goes over the network?",
                "Far more than the services' requests explain: somebody copies something, or a"
                " client asks for large answers.",
                units.BytesPerSecondIEC,
                ["HostCpuHigh"],
            ),
            asked(
                f"sum by (device) (rate(node_network_receive_bytes_total{RATE}))",
                "{{device}} in",
            ),
            asked(
                f"sum by (device) (rate(node_network_transmit_bytes_total{RATE}))",
                "{{device}} out",
            ),
        ),
        series(
            Look(
                "How far are the clocks off?",
                "Over the line log lines of several machines stand in a wrong order: set the"
                " clock.",
                units.Seconds,
                ["ClockSkew"],
                [limit("ClockSkew")],
            ),
            asked(_off("node_time_seconds"), "{{instance}}"),
            asked(_off("app_clock_seconds"), "{{instance}}"),
        ),
    ]


def _off(clock: str) -> str:
    off = f"abs({clock} - timestamp({clock})) - scrape_duration_seconds"
    return f"clamp_min(max by (instance) ({off}), 0)"


def _disk() -> Section:
    return Section(
        "Will the disks do?",
        [
            series(
                Look(
                    "How much of each disk is free?",
                    "It falls steadily: see what grows, such as logs or Prometheus's store.",
                    units.PercentUnit,
                    ["HostDiskFilling", "PrometheusStorageFilling"],
                ),
                asked(f"min by (instance, mountpoint) ({FREE})", "{{mountpoint}}"),
            ),
            series(
                Look(
                    "How much will be free in four hours, if it goes on?",
                    "At the line it is full by then, and an alert fires. Delete or move what grew"
                    " in the last hour.",
                    units.BytesIEC,
                    ["HostDiskFilling"],
                    [limit("HostDiskFilling", "[1h], 4h)")],
                ),
                asked(
                    "min by (instance, mountpoint) "
                    f"(predict_linear(node_filesystem_avail_bytes{DISKS}[1h], 4 * 3600))",
                    "{{mountpoint}}",
                ),
            ),
            series(
                Look(
                    "How much is read and written?",
                    "Much reading while memory is short: programs are read again and again. Much"
                    " writing: see the log lines a second.",
                    units.BytesPerSecondIEC,
                    ["HostMemoryLow", "LogFlood"],
                ),
                asked(
                    f"sum by (device) (rate(node_disk_read_bytes_total{RATE}))", "{{device}} read"
                ),
                asked(
                    f"sum by (device) (rate(node_disk_written_bytes_total{RATE}))",
                    "{{device}} written",
                ),
            ),
        ],
    )
