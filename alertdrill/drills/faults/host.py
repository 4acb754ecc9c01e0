"""Faults of the host: its disk, its processors and its memory are taken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ...settings import ROOT
from .. import marked
from ..clients import Prometheus
from ..errors import FaultError
from ..kinds import KINDS
from ..undo import UndoStep
from .base import Fault

# A file that grows does so this often, in seconds.
GROWTH_STEP = 0.1
# Never more than this share of the free space: the drill must not become the disaster.
MOST_TAKEN = 0.1


class Fill(Fault):
    """Take disk space: where Prometheus counts its own, or more and more of the host's."""

    @property
    def _file(self) -> Path:
        if self.spec.parameters["where"] == "host":
            return self.context.runtime.scratch() / "drill.fill"
        return self.context.runtime.data("prometheus") / "wal" / "drill.fill"

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that gives the space back."""
        return [("remove_file", str(self._file))]

    def inject(self) -> None:
        """Take the space, or begin to."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self.spec.parameters["where"] == "prometheus":
            self._grow(self._missing())
            return
        free = shutil.disk_usage(self._file.parent).free
        rate = self.number("share_per_second", 0.001) * free
        begun = time.monotonic()
        self.again(
            GROWTH_STEP,
            lambda: self._grow(min(rate * (time.monotonic() - begun), MOST_TAKEN * free)),
        )

    def _missing(self) -> float:
        """Return how many bytes Prometheus's storage is short of the share that is asked for."""
        prometheus = Prometheus(self.context.runtime.address("prometheus"))
        limit = prometheus.value("prometheus_tsdb_retention_limit_bytes")
        used = prometheus.value(
            "prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes"
            " + prometheus_tsdb_head_chunks_storage_size_bytes"
        )
        if not limit or used is None:
            raise FaultError("Prometheus has no size limit: set PROMETHEUS_RETENTION_SIZE.")
        missing = self.number("to", 0.95) * limit - used
        if missing > MOST_TAKEN * shutil.disk_usage(self._file.parent).free:
            raise FaultError(
                "To fill Prometheus's storage would take too much of the disk's free space:"
                " lower PROMETHEUS_RETENTION_SIZE."
            )
        return missing

    def _grow(self, size: float) -> None:
        with self._file.open("ab") as file:
            if size >= 1:
                os.posix_fallocate(file.fileno(), 0, int(size))


class Strain(Fault):
    """Use up the host's processors or its memory, in a process of its own."""

    _process: subprocess.Popen[str] | None = None

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return nothing: the process ends with this one's pipe."""
        return []

    def prepare(self) -> None:
        """Start the process and wait until it is ready, which takes a host's memory a while."""
        shares = [f"{self.number(name, 0.0)}" for name in KINDS[self.spec.kind].numbers]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "alertdrill.drills.strain", self.spec.kind, *shares],
            env=marked.environment(self.context.run_id),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        assert self._process.stdout
        if not self._process.stdout.readline():
            raise FaultError(f"The process of {self.spec} ended by itself.")

    def inject(self) -> None:
        """Let the process begin."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def cease(self) -> None:
        """End the process."""
        super().cease()
        if self._process:
            self._process.communicate()
