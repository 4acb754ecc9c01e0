"""Faults of the host: they use its disk, its CPU and its memory."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

from ...clients.prometheus import Prometheus
from ..context import DrillContext
from ..machine import MachineMonitor
from ..model import DrillError, FaultSpec
from . import Effect, Fault, process_fault, repeating

STRESS = f"{__package__}.host_stress"
# How often a growing file grows.
GROWTH_INTERVAL_S = 0.1
# The maximum fraction of the free space, so that the drill does not break the host.
MAX_FRACTION = 0.1
# HostCpuHigh needs 90 %. The fault is on a moment after its measurement begins.
MIN_CPU_SHARE = 0.92


def disk_fill(spec: FaultSpec, context: DrillContext) -> Fault:
    """A file takes disk space: of Prometheus's storage at once, or of the host at a rate."""
    on_host = spec.parameters["where"] == "host"
    folder = (
        context.runtime.scratch_folder()
        if on_host
        else context.runtime.data_folder("prometheus") / "wal"
    )
    file = folder / "drill.fill"
    undo = [("remove_file", str(file))]

    def free_space() -> int:
        folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(folder).free

    def sizes() -> Iterator[float]:
        free = free_space()
        rate = spec.parameters.get("share_per_second", 0.001)
        for share in itertools.count(step=rate * GROWTH_INTERVAL_S):
            yield min(share, MAX_FRACTION) * free

    if on_host:
        growth = sizes()
        return repeating(
            GROWTH_INTERVAL_S, lambda: _grow(file, next(growth)), undo, unit="steps of the file"
        )
    share = spec.parameters.get("to", 0.95)
    return Fault(lambda: _grow(file, _storage_left(context.prometheus, share, free_space())), undo)


def _storage_left(prometheus: Prometheus, share: float, free: int) -> float:
    """Return how many bytes fill Prometheus's storage to this share."""
    limit = prometheus.value("prometheus_tsdb_retention_limit_bytes")
    used = prometheus.value(
        "prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes"
        " + prometheus_tsdb_head_chunks_storage_size_bytes"
    )
    if not limit or used is None:
        raise DrillError("Prometheus has no size limit: set PROMETHEUS_RETENTION_SIZE.")
    size = share * limit - used
    if size > MAX_FRACTION * free:
        raise DrillError(
            "The disk has too little free space to fill Prometheus's storage:"
            " lower PROMETHEUS_RETENTION_SIZE."
        )
    return size


def _grow(file: Path, size: float) -> None:
    with file.open("ab") as out:
        if size >= 1:
            os.posix_fallocate(out.fileno(), 0, int(size))


def cpu_stress(_: FaultSpec, context: DrillContext) -> Fault:
    """Every core is busy."""
    machine = MachineMonitor()

    def measure(_: float) -> Effect:
        return Effect(100 * machine.use().busy, 100.0, "% of the processors", MIN_CPU_SHARE)

    return process_fault(context, STRESS, "cpu_stress", measure=measure)


def memory_pressure(spec: FaultSpec, context: DrillContext) -> Fault:
    """A process allocates memory until only the fraction `available` is left.

    It allocates the part down to `initial_available` before the drill's clock starts.
    """
    first, last = spec.parameters["initial_available"], spec.parameters["available"]

    def measure(_: float) -> Effect:
        memory = psutil.virtual_memory()
        achieved = 100 * (first - memory.available / memory.total)
        return Effect(achieved, 100 * (first - last), "% of the memory")

    return process_fault(context, STRESS, spec.kind, str(first), str(last), measure=measure)
