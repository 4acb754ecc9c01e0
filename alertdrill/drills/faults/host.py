"""Faults of the host: they use its disk, its CPU and its memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ...clients.prometheus import Prometheus
from ...config import ROOT
from ..context import DrillContext
from ..model import DrillError, FaultSpec
from ..undo import tagged_environment
from .base import Fault, Repeater

# How often a growing file grows.
GROWTH_INTERVAL_S = 0.1
# The maximum fraction of the free space, so that the drill does not break the host.
MAX_FRACTION = 0.1


def disk_fill(spec: FaultSpec, context: DrillContext) -> Fault:
    """A file takes disk space: of Prometheus's storage at once, or of the host at a rate."""
    repeater = Repeater()
    if spec.parameters["where"] == "host":
        file = context.runtime.scratch_folder() / "drill.fill"
    else:
        file = context.runtime.data_folder("prometheus") / "wal" / "drill.fill"

    def inject() -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        free, began = shutil.disk_usage(file.parent).free, time.monotonic()
        if spec.parameters["where"] == "prometheus":
            _grow(file, _storage_left(context.prometheus, spec.parameters.get("to", 0.95), free))
            return
        rate = spec.parameters.get("share_per_second", 0.001) * free
        repeater.start(
            GROWTH_INTERVAL_S,
            lambda: _grow(file, min(rate * (time.monotonic() - began), MAX_FRACTION * free)),
        )

    return Fault(inject, [("remove_file", str(file))], stop=repeater.stop)


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


def cpu_stress(spec: FaultSpec, context: DrillContext) -> Fault:
    """Every core is busy."""
    return _stress(spec, context)


def memory_pressure(spec: FaultSpec, context: DrillContext) -> Fault:
    """A process allocates memory until only the fraction `available` is left.

    It allocates the part down to `initial_available` before the drill's clock starts.
    """
    return _stress(spec, context, "initial_available", "available")


def _stress(spec: FaultSpec, context: DrillContext, *levels: str) -> Fault:
    arguments = [spec.kind, *(str(spec.parameters[level]) for level in levels)]
    process = StressProcess(arguments, context.record.run_id)
    return Fault(process.go, prepare=process.start, stop=process.stop)


class StressProcess:
    """The process of `host_stress.py`, which exits when this one closes its pipe."""

    def __init__(self, arguments: Sequence[str], run_id: str) -> None:
        self._arguments = arguments
        self._run_id = run_id
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process and wait until it is ready, which takes seconds for memory."""
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "alertdrill.drills.faults.host_stress", *self._arguments],
            env=tagged_environment(self._run_id),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        assert self._process.stdout
        if not self._process.stdout.readline():
            text = " ".join(self._arguments)
            raise DrillError(f"The process of {text} exited before it was ready.")

    def go(self) -> None:
        """Let the process begin."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """Let the process exit, if it was started."""
        if self._process:
            self._process.communicate()
