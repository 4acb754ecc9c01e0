"""Scale a native service: start standby instances, or drain and stop some."""

from __future__ import annotations

from collections.abc import Sequence

from ..base import ProgressCallback, wait_until
from . import configs, readiness
from .context import NativeContext
from .processes import Plan, Process

# Longer than the longest request (`timeout server` of the load balancer).
DRAIN_TIMEOUT_S = 15.0


def scale(
    context: NativeContext, plan: Plan, service: str, count: int, on_progress: ProgressCallback
) -> None:
    """Scale a service to its first `count` instances without losing a request."""
    previous = context.replicas.get(service)
    processes = plan.processes_of(service)
    new, leaving = processes[previous:count], processes[count:previous]
    _start(context, new)
    _drain(context, leaving, on_progress)
    context.replicas.set(service, count)
    # Scrape a new instance before it gets requests, and a leaving one until it has stopped.
    configs.write_service_targets(context.layout, context.replicas.desired(plan))
    _admit(context, new, on_progress)


def _start(context: NativeContext, new: Sequence[Process]) -> None:
    for process in new:
        context.supervisor.start(process.name)
    try:
        readiness.wait_until_ready(new, context.supervisor_state, context.layout)
    except BaseException:
        context.supervisor.stop(*(process.name for process in new))  # undo: they get no requests
        raise


def _admit(context: NativeContext, new: Sequence[Process], on_progress: ProgressCallback) -> None:
    for process in new:
        context.lb.set(process.service, process.name, "ready")
        on_progress(f"{process.name} is ready")


def _drain(
    context: NativeContext, leaving: Sequence[Process], on_progress: ProgressCallback
) -> None:
    """Drain at the load balancer, then stop; an instance waits for its last scrape by itself."""
    try:
        for process in leaving:
            context.lb.set(process.service, process.name, "drain")
        for process in leaving:
            wait_until(
                lambda process=process: not context.lb.sessions(process.service, process.name),  # type: ignore[misc]
                f"{process.name} to finish its requests",
                DRAIN_TIMEOUT_S,
            )
    except BaseException:
        for process in leaving:
            context.lb.set(process.service, process.name, "ready")  # undo: they keep running
        raise
    context.supervisor.stop(*(process.name for process in leaving))
    for process in leaving:
        context.lb.set(process.service, process.name, "maint")
        on_progress(f"{process.name} is on standby")
