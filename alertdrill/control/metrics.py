"""The Prometheus metrics that the control API exposes."""

from __future__ import annotations

from collections.abc import Iterator

from alertdrill_telemetry.metrics import Metrics, Sample

from ..errors import AlertdrillError
from ..runtimes.base import SupervisedRuntime


def declare_lost_lines(metrics: Metrics, runtime: SupervisedRuntime) -> None:
    """Declare the counter of the lines that the runtime could not write to the log files."""

    def read() -> Iterator[Sample]:
        try:
            for process, lines in runtime.lost_log_lines().items():
                yield (process,), lines
        except AlertdrillError:  # the stack is starting or stopping
            return

    metrics.callback_counter(
        "supervisor_log_lines_lost_total",
        "Log lines of a process that supervisord could not write to its file.",
        ("process",),
        read,
    )
