"""Faults of the host: they use its disk, its CPU and its memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ...config import ROOT
from ..errors import FaultError
from ..undo import UndoStep, tagged_environment
from .base import Fault

# How often a growing file grows.
GROWTH_INTERVAL_S = 0.1
# The maximum fraction of the free space, so that the drill does not break the host.
MAX_FRACTION = 0.1


class FillDisk(Fault):
    """Fills Prometheus's storage at once, or the host's disk at a rate."""

    @property
    def _file(self) -> Path:
        if self.spec.parameters["where"] == "host":
            return self.context.runtime.scratch_folder() / "drill.fill"
        return self.context.runtime.data_folder("prometheus") / "wal" / "drill.fill"

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that deletes the file."""
        return [("remove_file", str(self._file))]

    def inject(self) -> None:
        """Take the space, or start to."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self.spec.parameters["where"] == "prometheus":
            self._grow(self._bytes_to_fill())
            return
        free = shutil.disk_usage(self._file.parent).free
        rate = self.number("share_per_second", 0.001) * free
        started = time.monotonic()
        self.repeat(
            GROWTH_INTERVAL_S,
            lambda: self._grow(min(rate * (time.monotonic() - started), MAX_FRACTION * free)),
        )

    def _bytes_to_fill(self) -> float:
        """Return how many bytes fill Prometheus's storage to the fraction `to`."""
        prometheus = self.context.prometheus
        limit = prometheus.value("prometheus_tsdb_retention_limit_bytes")
        used = prometheus.value(
            "prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes"
            " + prometheus_tsdb_head_chunks_storage_size_bytes"
        )
        if not limit or used is None:
            raise FaultError("Prometheus has no size limit: set PROMETHEUS_RETENTION_SIZE.")
        size = self.number("to", 0.95) * limit - used
        if size > MAX_FRACTION * shutil.disk_usage(self._file.parent).free:
            raise FaultError(
                "The disk has too little free space to fill Prometheus's storage:"
                " lower PROMETHEUS_RETENTION_SIZE."
            )
        return size

    def _grow(self, size: float) -> None:
        with self._file.open("ab") as file:
            if size >= 1:
                os.posix_fallocate(file.fileno(), 0, int(size))


class StressHost(Fault):
    """Uses the host's CPU or memory, in a separate process."""

    _process: subprocess.Popen[str] | None = None

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return no steps: the process exits when this process closes its pipe."""
        return []

    def prepare(self) -> None:
        """Start the process and wait until it is ready, which takes seconds for memory."""
        arguments = [f"{self.number(name, 0.0)}" for name in self.kind.numbers]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [
                sys.executable,
                "-m",
                "alertdrill.drills.faults.host_stress",
                self.spec.kind,
                *arguments,
            ],
            env=tagged_environment(self.context.record.run_id),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        assert self._process.stdout
        if not self._process.stdout.readline():
            raise FaultError(f"The process of {self.spec} exited before it was ready.")

    def inject(self) -> None:
        """Tell the process to start."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """Stop the process."""
        super().stop()
        if self._process:
            self._process.communicate()
