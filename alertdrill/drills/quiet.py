"""The silence gate: under steady load, nothing fires but Watchdog."""

from __future__ import annotations

import time
from collections.abc import Mapping

from .drill import LoadSpec
from .errors import DrillError, UnreachableError, UnsteadyError
from .ready import POLL, STEADY_SCALED, STEADY_WORLD
from .stage import Stage
from .steady import ALWAYS, Expected, require


def watch(stage: Stage, seconds: float) -> list[str]:
    """Watch for so long, from the first steady moment on; return a sentence for each alert."""
    load = LoadSpec()
    stage.scene.traffic.ensure(load)
    heard: dict[str, str] = {}
    _begin(stage, load, heard)
    begun = time.monotonic()
    while (elapsed := time.monotonic() - begun) < seconds:
        stage.progress.waiting("quiet", elapsed, seconds)
        stage.scene.traffic.require()
        _listen(stage, heard)
        time.sleep(POLL)
    return list(heard.values())


def _begin(stage: Stage, load: LoadSpec, heard: dict[str, str]) -> None:
    """Wait until everything serves; what fires meanwhile counts too."""
    runtime = stage.scene.runtime
    limit = STEADY_WORLD + STEADY_SCALED / runtime.speed
    begun = time.monotonic()
    while True:
        _listen(stage, heard)
        try:
            return require(runtime, Expected(load))
        except UnsteadyError as error:
            if heard:
                return None
            if time.monotonic() - begun > limit:
                raise DrillError(f"There is no steady state to listen to: {error}") from error
        stage.progress.waiting("steady", time.monotonic() - begun, limit)
        time.sleep(POLL)


def _listen(stage: Stage, heard: dict[str, str]) -> None:
    for evaluator in stage.evaluators:
        try:
            firing = evaluator.firing()
        except UnreachableError:
            continue  # not up yet; were it to stay away, the steady state would not come
        for labels in firing:
            if labels["alertname"] != ALWAYS and str(labels) not in heard:
                heard[str(labels)] = f"{labels['alertname']} fired{_about(labels)}."


def _about(labels: Mapping[str, str]) -> str:
    rest = [
        f"{name}={value}"
        for name, value in sorted(labels.items())
        if name not in ("alertname", "severity")
    ]
    return f" for {', '.join(rest)}" if rest else ""
