"""The dashboard that shows the host's resources and the processes that use them."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from ..dashboard_builder import DashboardSpec, Section
from ..panels import Series, Stats
from ..queries import instant_query, range_query
from ..rules import Limit
from ..sli import RATE

BUSY = f'rate(node_cpu_seconds_total{{mode!~"idle|iowait"}}{RATE})'
# tmpfs and ramfs are memory, and an overlay is part of another file system.
DISKS = '{fstype!~"tmpfs|ramfs|overlay"}'
FREE = f"node_filesystem_avail_bytes{DISKS} / node_filesystem_size_bytes{DISKS}"
MEMORY = "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"
# How far a clock differs from Prometheus's.
SKEW = "clamp_min(max by (instance) (abs({0} - timestamp({0})) - scrape_duration_seconds), 0)"
MACHINE = Section(
    "How busy is the host?",
    Stats(
        "What is available now?",
        "Low memory: see below which process uses it. Low disk space: see how fast it shrinks.",
        [
            instant_query(f"min by (instance) ({MEMORY})", "memory of {{instance}}"),
            instant_query(f"min by (instance, mountpoint) ({FREE})", "disk {{mountpoint}}"),
            instant_query(
                f"1 - avg by (instance) (sum by (instance, cpu) ({BUSY}))", "CPU of {{instance}}"
            ),
        ],
        alerts=[Limit("HostMemoryLow"), "HostDiskFilling"],
        unit=units.PercentUnit,
        size=(24, 4),
    ),
    Series(
        "How busy are its CPUs?",
        "Above the line for minutes, everything waits: see below which process uses them.",
        range_query(f"avg by (instance) (sum by (instance, cpu) ({BUSY}))"),
        alerts=[Limit("HostCpuHigh"), "CpuSaturated"],
        unit=units.PercentUnit,
    ),
    Series(
        "What are its CPUs busy with?",
        "High iowait: the disk is slow. High steal: other virtual machines on the same hardware"
        " use the CPUs.",
        range_query(
            "avg by (mode) (sum by (mode, cpu) "
            f'(rate(node_cpu_seconds_total{{mode!="idle"}}{RATE})))'
        ),
        alerts=["HostCpuHigh"],
        unit=units.PercentUnit,
    ),
    Series(
        "How much memory is available?",
        "Below the line the kernel will soon kill a process. See below which one grows.",
        range_query(f"min by (instance) ({MEMORY})"),
        alerts=[Limit("HostMemoryLow"), "MemoryLeak"],
        unit=units.PercentUnit,
    ),
    Series(
        "What is the load, compared with the cores?",
        "A load above the number of cores for long: processes wait for each other.",
        [
            range_query("max by (instance) (node_load1)", "{{instance}} load, 1 min"),
            range_query(
                "count by (instance) (sum by (instance, cpu) (node_cpu_seconds_total))",
                "{{instance}} cores",
            ),
        ],
        alerts=["HostCpuHigh"],
    ),
    Series(
        "How much network traffic is there?",
        "Far more than the services' requests explain: a copy of data, or a client that requests"
        " large responses.",
        [
            range_query(
                f"sum by (device) (rate(node_network_receive_bytes_total{RATE}))", "{{device}} in"
            ),
            range_query(
                f"sum by (device) (rate(node_network_transmit_bytes_total{RATE}))", "{{device}} out"
            ),
        ],
        alerts=["HostCpuHigh"],
        unit=units.BytesPerSecondIEC,
    ),
    Series(
        "How far do the clocks differ from Prometheus's?",
        "Above the line log lines of several hosts are out of order: correct the clock.",
        [
            range_query(SKEW.format("node_time_seconds"), "{{instance}}"),
            range_query(SKEW.format("app_clock_seconds"), "{{instance}}"),
        ],
        alerts=[Limit("ClockSkew")],
        unit=units.Seconds,
    ),
)
DISKS_SPACE = Section(
    "Do the disks have enough space?",
    Series(
        "How much of each disk is free?",
        "A steady fall: find what grows, such as logs or Prometheus's storage.",
        range_query(f"min by (instance, mountpoint) ({FREE})", "{{mountpoint}}"),
        alerts=["HostDiskFilling", "PrometheusStorageFilling"],
        unit=units.PercentUnit,
    ),
    Series(
        "How much will be free in four hours, at the current rate?",
        "At the line the disk is full by then, and an alert fires. Delete or move what has grown"
        " in the last hour.",
        range_query(
            "min by (instance, mountpoint) "
            f"(predict_linear(node_filesystem_avail_bytes{DISKS}[1h], 4 * 3600))",
            "{{mountpoint}}",
        ),
        alerts=[Limit("HostDiskFilling", "[1h], 4h)")],
        unit=units.BytesIEC,
    ),
    Series(
        "How much is read and written?",
        "Many reads while memory is low: programs are read from disk again and again. Many"
        " writes: see the log lines per second.",
        [
            range_query(
                f"sum by (device) (rate(node_disk_read_bytes_total{RATE}))", "{{device}} read"
            ),
            range_query(
                f"sum by (device) (rate(node_disk_written_bytes_total{RATE}))", "{{device}} written"
            ),
        ],
        alerts=["HostMemoryLow", "LogFlood"],
        unit=units.BytesPerSecondIEC,
    ),
)
PROCESSES = Section(
    "Which processes use it, on the host or in containers?",
    Series(
        "How much memory does each process use?",
        "Unbounded growth is a leak. docker-compose.yml has the limit of each container; the"
        " kernel kills it at the limit.",
        [
            range_query("max by (instance) (process_resident_memory_bytes)"),
            range_query("max by (instance) (otelcol_process_memory_rss_bytes)"),
            range_query(
                "max by (instance) (haproxy_process_pool_allocated_bytes)", "{{instance}} pools"
            ),
        ],
        alerts=["MemoryLeak", "HostMemoryLow"],
        unit=units.BytesIEC,
    ),
    Series(
        "How much of a core does each process use?",
        "A service above the line has no capacity for more requests. Any other busy process takes"
        " CPU from the services.",
        [
            range_query(f"max by (instance) (rate(process_cpu_seconds_total{RATE}))"),
            range_query(f"max by (instance) (rate(otelcol_process_cpu_seconds_total{RATE}))"),
        ],
        alerts=[Limit("CpuSaturated"), "HostCpuHigh"],
        unit=units.PercentUnit,
    ),
    Series(
        "Which processes restarted in the last hour?",
        "A process that was not restarted on purpose ended by itself, or was killed for lack of"
        " memory.",
        range_query("max by (instance) (changes(process_start_time_seconds[1h]))"),
        alerts=["InstanceCrashLooping", "InstanceDown"],
        size=(12, 8),
    ),
    Series(
        "How many processes did the kernel kill for lack of memory?",
        "Above zero: a process used all of the memory. See which one grew before, and give it a"
        " limit.",
        range_query("max by (instance) (increase(node_vmstat_oom_kill[$__rate_interval]))"),
        alerts=["HostMemoryLow", "MemoryLeak"],
        size=(12, 8),
    ),
    size=(12, 10),
)
SPEC = DashboardSpec(
    uid="host",
    title="Does the host have enough resources?",
    description=(
        "CPU, memory, disk, network and clock of the host, and what each process uses, on the"
        " host or in its container."
    ),
    refresh="30s",
    sections=[MACHINE, DISKS_SPACE, PROCESSES],
)
