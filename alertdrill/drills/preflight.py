"""Preflight of a drill: start its load, backfill synthetic series, wait for the steady state."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..clients.responder import PerformedAction
from ..config.services import SERVICES
from . import steady_state
from .backfill import write_openmetrics
from .context import DrillContext
from .errors import UnsteadyError
from .model import ACTION_S, Drill

POLL_INTERVAL_S = 0.1
# After this long, windows of one minute hold only samples of the steady state.
SETTLE_S = 60.0
# From full load on four instances to min_replicas: Overprovisioned's window and `for`, its group
# wait, and for each of three instances one minute to stabilize and one to drain.
SCALE_IN_S = 60.0 + 120.0 + 10.0 + 3 * 120.0
# How long the steady state may take: starts and scrapes at any speed, and what the previous drill
# left, which gets shorter with the speed.
STEADY_FIXED_S, STEADY_SCALED_S = 30.0, SCALE_IN_S


def prepare(drill: Drill, context: DrillContext) -> None:
    """Start the load, backfill series, and await the steady state."""
    context.traffic.ensure(drill.load)
    if context.runtime.ephemeral:
        _backfill(drill, context)
    limit = STEADY_FIXED_S + STEADY_SCALED_S / context.runtime.speed
    await_steady_state(drill, context, "steady", limit)
    steady_state.require_no_faults(context.runtime, list(SERVICES))


def await_steady_state(drill: Drill, context: DrillContext, phase: str, limit: float) -> None:
    """Wait for the steady state; raise `UnsteadyError` if it does not come within the limit."""
    start = time.monotonic()
    while True:
        context.traffic.require_running()
        elapsed = time.monotonic() - start
        context.progress.waiting(phase, elapsed, limit)
        try:
            return steady_state.require(context.runtime, drill.load, drill.alert)
        except UnsteadyError:
            if elapsed > limit:
                raise
        time.sleep(POLL_INTERVAL_S)


def scale_in_time(actions: Sequence[PerformedAction], speed: float) -> float:
    """Return how long services may stay above min_replicas after these actions, in seconds."""
    scaled = any(action.kind == "scale_out" for action in actions)
    return SCALE_IN_S / speed + ACTION_S if scaled else 0.0


def _backfill(drill: Drill, context: DrillContext) -> None:
    runtime, speed = context.runtime, context.runtime.speed
    file = context.folder / "backfill.om"
    # The samples build on the values of the current series, which Prometheus deletes next.
    if drill.backfill:
        await_steady_state(drill, context, "steady", STEADY_FIXED_S)
        write_openmetrics(file, drill.backfill, context.prometheus, time.time(), speed)
    runtime.delete_series()
    if drill.backfill:
        runtime.backfill(file)
        file.unlink()
    start = time.monotonic()
    while (elapsed := time.monotonic() - start) < SETTLE_S / speed:
        context.progress.waiting("settled", elapsed, SETTLE_S / speed)
        time.sleep(POLL_INTERVAL_S)
