"""A made-up stack for one drill: an alert that goes through its phases as time passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills import faults, ready, steady, trial, witness
from alertdrill.drills.ask import Active, RuleState
from alertdrill.drills.drill import Drill
from alertdrill.drills.errors import UnsteadyError
from alertdrill.drills.expression import branches
from alertdrill.drills.faults import Scene
from alertdrill.drills.journal import Acted, Told
from alertdrill.drills.outcome import Line, Outcome
from alertdrill.drills.runbook import Checked
from alertdrill.drills.stage import Stage
from alertdrill.drills.trial import Trial
from alertdrill.runtimes import Instance
from tests.unit.alertdrill.drills.fakes import (
    FakeClock,
    FakeProgress,
    FakeRuntime,
    FakeTraffic,
    a_drill,
    instance,
)

LABELS = {"alertname": "Down", "severity": "page"}


class World:
    """Seconds from the fault to each phase, `resolved` from its end; None is never.

    `log` has what happened in order. `unsteady` is the seconds before the fault and after it
    during which the steady state is not there. Where the responder `acts` (restart, scale_out or
    scale_in), `resolved` counts from the end of that; `more` has what else it does, each with the
    seconds from the fault to it.
    """

    branches = staticmethod(branches)

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        self.took: dict[str, float | None] = {
            "pending": 2.0, "firing": 4.0, "notified": 6.0, "resolved": 5.0, "healed": 3.0,
        }  # fmt: skip
        self.log: list[Any] = []
        self.acts = ""
        self.more: list[tuple[float, Acted]] = []
        self.checked_at = 0.0
        self.unsteady = (0.0, 0.0)
        self.left_fault = ""
        self.raises: dict[str, BaseException] = {}
        self.begun, self.on, self.off = self.clock.now, 0.0, 0.0
        self.notifies = "Down"
        self.pages: Sequence[str] = ["Down"]
        self.runtime = FakeRuntime(folder)
        self.runtime.told = self._told
        self.traffic = FakeTraffic()
        self.progress = FakeProgress()
        self.folder = folder
        monkeypatch.setattr(self.runtime, "status", self._status)
        self._stand_in(monkeypatch)

    def run(self, **drill: Any) -> Outcome:
        """Run a drill of this world."""
        return Trial(a_drill(**drill), self.stage()).run()

    def stage(self) -> Stage:
        me: Any = self
        return Stage(
            scene=Scene(me.runtime, me.traffic, "the-run", lasts=0.0),
            prometheus=me,
            alertmanager=me,
            journal=Journal(self),  # type: ignore[arg-type]
            loki=None,
            progress=self.progress,
            folder=self.folder,
            broken=lambda alert, undo: self.log.append(("broken", alert, list(undo))),
        )

    def _stand_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (ready, trial, witness):
            monkeypatch.setattr(module, "time", self.clock)
        monkeypatch.setattr(steady, "require", self._require)
        monkeypatch.setattr(steady, "no_faults", self._no_faults)
        monkeypatch.setattr(faults, "make", self._make)
        monkeypatch.setattr("alertdrill.drills.runbook.check", self._check)
        monkeypatch.setattr("alertdrill.drills.diagnose.missing", missing)

    # The fault

    def _make(self, spec: Any, scene: Scene) -> Any:
        world = self

        class FakeFault:
            undo = (("resume", spec.target),)

            def prepare(self) -> None:
                world._maybe("prepare")

            def inject(self) -> None:
                world.log.append(("inject", scene.lasts))
                world.on = world.clock.now
                world._maybe("inject")

            def cease(self) -> None:
                world.log.append("cease")

        return FakeFault()

    def _told(self, order: str, *_: object) -> None:
        self.log.append(order)
        if order == "resume":
            self.off = self.clock.now

    def _maybe(self, what: str) -> None:
        if what in self.raises:
            raise self.raises[what]

    # What the parts say

    def _since(self, phase: str) -> float | None:
        """Return the moment of a phase, None where it is still to come."""
        took = self.took[phase]
        origin = self._over() if phase == "resolved" else self.on
        if took is None or not origin or self.clock.now < origin + took:
            return None
        return origin + took

    def _over(self) -> float | None:
        return self._since("healed") if self.acts else self.off

    def acted(self) -> list[Acted]:
        """Return what the responder did until now."""
        found = [replace(one, began=self.on + at) for at, one in self.more]
        if self.acts and (began := self._since("notified")):
            healed = self._since("healed")
            state = "done" if healed else "acting"
            found.append(Acted("Down", self.acts, "web", "web-1", state, began, healed))
        return [one for one in found if one.began <= self.clock.now]

    def rule(self, alert: str) -> RuleState:
        self._maybe("rule")
        pending, firing = self._since("pending"), self._since("firing")
        if not pending or self._since("resolved"):
            return RuleState("up < 1", 60.0, 5.0, "", [])
        state = "firing" if firing else "pending"
        return RuleState("up < 1", 60.0, 5.0, "", [Active(state, LABELS, pending, "0")])

    def scrape_interval(self) -> float:
        return 5.0

    def group_wait(self) -> float:
        return 10.0

    def lines(self, promql: str, span: tuple[float, float], step: float) -> list[Line]:
        return [Line({}, [(span[0], 1.0)])]

    def query(self, promql: str) -> list[Mapping[str, Any]]:
        return [{"metric": {"__name__": "up"}, "value": [0, "1"]}]

    def _status(self) -> list[Instance]:
        return [instance("web-1", pid=8 if self._since("healed") else 7)]

    def _check(self, *arguments: Any) -> Checked:
        self.log.append("runbook")
        self.checked_at = arguments[3]
        self._maybe("runbook")
        return Checked(3, "")

    def _require(self, *_: object) -> None:
        self._maybe("steady")
        before, after = self.unsteady
        since, lasts = (self.off, after) if self.off else (self.begun, before)
        if self.clock.now < since + lasts:
            raise UnsteadyError("lb-1 is failed.")

    def _no_faults(self, *_: object) -> None:
        if self.left_fault:
            raise UnsteadyError(self.left_fault)


class Journal:
    """The journal of a world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def told(self, since: float, **filters: str) -> list[Told]:
        world = self._world
        assert since == world.on
        if filters.get("severity") == "page":
            return [note(alert, "firing", since) for alert in world.pages]
        phase = "notified" if filters["status"] == "firing" else "resolved"
        at = world._since(phase)
        return [note(world.notifies, filters["status"], at)] if at else []

    def actions(self, since: float) -> list[Acted]:
        assert since == self._world.on
        return self._world.acted()


def note(alert: str, status: str, at: float) -> Told:
    return Told(alert, status, "page", {**LABELS, "alertname": alert}, {}, at)


def missing(phase: str, drill: Drill, parts: object, limit: float) -> str:
    """Say less than the real one."""
    return f"{drill.alert} was not {phase} within {limit:.1f} s."
