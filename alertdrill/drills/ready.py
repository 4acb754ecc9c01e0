"""Bring a stage to where a drill can begin, or the next one: its past, and the steady state."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..settings import SERVICES
from . import history, steady
from .drill import ACTING, Drill
from .errors import UnsteadyError
from .journal import Acted
from .least import Pace
from .stage import Stage

POLL = 0.1
# How long the windows of a minute take to hold nothing but the steady state.
SETTLE = 60.0
# From full load on four instances to the floor: Overprovisioned's window and `for`, its group wait,
# and for each of three instances a minute to settle and another to drain.
SCALE_IN = 60.0 + 120.0 + 10.0 + 3 * 120.0
# What the steady state may take to come: starts, scrapes, and whatever the last drill left.
STEADY_WORLD, STEADY_SCALED = 30.0, SCALE_IN


def prepare(drill: Drill, stage: Stage) -> Pace:
    """Have the load run, the past made up and everything steady; return the stage's pace."""
    scene = stage.scene
    scene.traffic.ensure(drill.load)
    if scene.runtime.rehearsal:
        _make_past(drill, stage)
    await_steady(drill, stage, "steady", STEADY_WORLD + STEADY_SCALED / scene.runtime.speed)
    steady.no_faults(scene.runtime, list(SERVICES))
    return _pace(drill, stage)


def await_steady(drill: Drill, stage: Stage, phase: str, limit: float) -> None:
    """Wait for the steady state; raise `UnsteadyError` where it is not there within the limit."""
    expected = steady.Expected(drill.load, drill.alert)
    begun = time.monotonic()
    while True:
        stage.scene.traffic.require()
        elapsed = time.monotonic() - begun
        stage.progress.waiting(phase, elapsed, limit)
        try:
            return steady.require(stage.scene.runtime, expected)
        except UnsteadyError:
            if elapsed > limit:
                raise
        time.sleep(POLL)


def to_the_floor(acted: Sequence[Acted], speed: float) -> float:
    """Return how long after these actions the services may be above their floor, in seconds."""
    scaled = any(one.kind == "scale_out" for one in acted)
    return SCALE_IN / speed + ACTING if scaled else 0.0


def _make_past(drill: Drill, stage: Stage) -> None:
    runtime, speed = stage.scene.runtime, stage.scene.runtime.speed
    file = stage.folder / "history.om"
    # Before Prometheus forgets what its series are now.
    if drill.history:
        await_steady(drill, stage, "steady", STEADY_WORLD)
        history.write(file, drill.history, stage.prometheus, (time.time(), speed))
    runtime.forget_series()
    if drill.history:
        runtime.import_series(file)
        file.unlink()
    begun = time.monotonic()
    while (elapsed := time.monotonic() - begun) < SETTLE / speed:
        stage.progress.waiting("settled", elapsed, SETTLE / speed)
        time.sleep(POLL)


def _pace(drill: Drill, stage: Stage) -> Pace:
    evaluator = stage.evaluator(drill.alert)
    rule = evaluator.rule(drill.alert)
    scrape = stage.prometheus.scrape_interval()
    return Pace(
        speed=stage.scene.runtime.speed,
        # Nobody scrapes lines: what they take to arrive is the world's.
        scrape=scrape if evaluator is stage.prometheus else 0.0,
        evaluation=rule.interval if rule else scrape,
        hold=rule.hold if rule else 0.0,
        group_wait=stage.alertmanager.group_wait(),
    )
