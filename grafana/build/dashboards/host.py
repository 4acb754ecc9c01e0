"""The dashboard that shows the host's resources and the processes that use them."""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from ..dashboard_builder import DashboardSpec, Panels, Section, build_dashboard
from ..panel_style import PanelSpec
from ..panels import series, stats
from ..queries import instant_query, range_query
from ..rules import limit
from ..sli import RATE
from .host_processes import processes

SPEC = DashboardSpec(
    uid="host",
    title="Does the host have enough resources?",
    description=(
        "CPU, memory, disk, network and clock of the host, and what each process uses, on the"
        " host or in its container."
    ),
    refresh="30s",
)
BUSY = f'rate(node_cpu_seconds_total{{mode!~"idle|iowait"}}{RATE})'
# tmpfs and ramfs are memory, and an overlay is part of another file system.
DISKS = '{fstype!~"tmpfs|ramfs|overlay"}'
FREE = f"node_filesystem_avail_bytes{DISKS} / node_filesystem_size_bytes{DISKS}"
MEMORY = "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"


def make() -> Dashboard:
    """Return the dashboard."""
    return build_dashboard(SPEC, _machine(), _disk(), processes())


def _machine() -> Section:
    return Section(
        "How busy is the host?",
        [_left(), *_processor_and_memory(), *_load_and_clock()],
    )


def _left() -> stat.Panel:
    return stats(
        PanelSpec(
            "What is available now?",
            "Low memory: see below which process uses it. Low disk space: see how fast it shrinks.",
            units.PercentUnit,
            ["HostMemoryLow", "HostDiskFilling"],
            [limit("HostMemoryLow")],
            size=(24, 4),
        ),
        instant_query(f"min by (instance) ({MEMORY})", "memory of {{instance}}"),
        instant_query(f"min by (instance, mountpoint) ({FREE})", "disk {{mountpoint}}"),
        instant_query(
            f"1 - avg by (instance) (sum by (instance, cpu) ({BUSY}))",
            "CPU of {{instance}}",
        ),
    )


def _processor_and_memory() -> Panels:
    return [
        series(
            PanelSpec(
                "How busy are its CPUs?",
                "Above the line for minutes, everything waits: see below which process uses them.",
                units.PercentUnit,
                ["HostCpuHigh", "CpuSaturated"],
                [limit("HostCpuHigh")],
            ),
            range_query(f"avg by (instance) (sum by (instance, cpu) ({BUSY}))", "{{instance}}"),
        ),
        series(
            PanelSpec(
                "What are its CPUs busy with?",
                "High iowait: the disk is slow. High steal: other virtual machines on the same"
                " hardware use the CPUs.",
                units.PercentUnit,
                ["HostCpuHigh"],
            ),
            range_query(
                "avg by (mode) (sum by (mode, cpu) "
                f'(rate(node_cpu_seconds_total{{mode!="idle"}}{RATE})))',
                "{{mode}}",
            ),
        ),
        series(
            PanelSpec(
                "How much memory is available?",
                "Below the line the kernel will soon kill a process. See below which one grows.",
                units.PercentUnit,
                ["HostMemoryLow", "MemoryLeak"],
                [limit("HostMemoryLow")],
            ),
            range_query(f"min by (instance) ({MEMORY})", "{{instance}}"),
        ),
    ]


def _load_and_clock() -> Panels:
    return [
        series(
            PanelSpec(
                "What is the load, compared with the cores?",
                "A load above the number of cores for long: processes wait for each other.",
                units.Short,
                ["HostCpuHigh"],
            ),
            range_query("max by (instance) (node_load1)", "{{instance}} load, 1 min"),
            range_query(
                "count by (instance) (sum by (instance, cpu) (node_cpu_seconds_total))",
                "{{instance}} cores",
            ),
        ),
        series(
            PanelSpec(
                "How much network traffic is there?",
                "Far more than the services' requests explain: a copy of data, or a client that"
                " requests large responses.",
                units.BytesPerSecondIEC,
                ["HostCpuHigh"],
            ),
            range_query(
                f"sum by (device) (rate(node_network_receive_bytes_total{RATE}))",
                "{{device}} in",
            ),
            range_query(
                f"sum by (device) (rate(node_network_transmit_bytes_total{RATE}))",
                "{{device}} out",
            ),
        ),
        series(
            PanelSpec(
                "How far do the clocks differ from Prometheus's?",
                "Above the line log lines of several hosts are out of order: correct the clock.",
                units.Seconds,
                ["ClockSkew"],
                [limit("ClockSkew")],
            ),
            range_query(_off("node_time_seconds"), "{{instance}}"),
            range_query(_off("app_clock_seconds"), "{{instance}}"),
        ),
    ]


def _off(clock: str) -> str:
    off = f"abs({clock} - timestamp({clock})) - scrape_duration_seconds"
    return f"clamp_min(max by (instance) ({off}), 0)"


def _disk() -> Section:
    return Section(
        "Do the disks have enough space?",
        [
            series(
                PanelSpec(
                    "How much of each disk is free?",
                    "A steady fall: find what grows, such as logs or Prometheus's storage.",
                    units.PercentUnit,
                    ["HostDiskFilling", "PrometheusStorageFilling"],
                ),
                range_query(f"min by (instance, mountpoint) ({FREE})", "{{mountpoint}}"),
            ),
            series(
                PanelSpec(
                    "How much will be free in four hours, at the current rate?",
                    "At the line the disk is full by then, and an alert fires. Delete or move"
                    " what has grown in the last hour.",
                    units.BytesIEC,
                    ["HostDiskFilling"],
                    [limit("HostDiskFilling", "[1h], 4h)")],
                ),
                range_query(
                    "min by (instance, mountpoint) "
                    f"(predict_linear(node_filesystem_avail_bytes{DISKS}[1h], 4 * 3600))",
                    "{{mountpoint}}",
                ),
            ),
            series(
                PanelSpec(
                    "How much is read and written?",
                    "Many reads while memory is low: programs are read from disk again and again."
                    " Many writes: see the log lines per second.",
                    units.BytesPerSecondIEC,
                    ["HostMemoryLow", "LogFlood"],
                ),
                range_query(
                    f"sum by (device) (rate(node_disk_read_bytes_total{RATE}))", "{{device}} read"
                ),
                range_query(
                    f"sum by (device) (rate(node_disk_written_bytes_total{RATE}))",
                    "{{device}} written",
                ),
            ),
        ],
    )
