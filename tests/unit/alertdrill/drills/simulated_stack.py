"""A simulated stack for one drill: its alert goes through the phases as time passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alertdrill.clients.prometheus import ActiveAlert, Line, RuleState
from alertdrill.clients.responder import PerformedAction, ReceivedAlert
from alertdrill.drills import (
    backfill,
    chart_data,
    inconclusive,
    pipeline_delay,
    probes,
    run,
    steady_state,
)
from alertdrill.drills.context import DrillContext
from alertdrill.drills.faults import Effect, registry
from alertdrill.drills.ideal_times import Pipeline
from alertdrill.drills.machine import MachineMonitor, MachineUse
from alertdrill.drills.model import Drill, DrillError
from alertdrill.drills.result import DrillResult
from alertdrill.drills.run import DrillRun
from alertdrill.drills.undo import UndoLog, UndoRecord
from alertdrill.runtimes.base import Instance
from tests.unit.alertdrill.drills.fakes import (
    FakeClock,
    FakeProgress,
    FakeTraffic,
    make_context,
    make_drill,
)
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

LABELS = {"alertname": "Down", "severity": "page"}


class SimulatedStack:
    """`delays` has the seconds from the fault to each phase, `resolved` from the fault's end.

    None means never. `log` has all events in order. `unsteady` is how many seconds before and
    after the fault the steady state is missing. With `healing` (restart, scale_out or scale_in),
    the responder performs that action, and `resolved` counts from its end; `extra_actions` has
    its other actions, each with the seconds from the fault.
    """

    language = "promql"

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        self.delays: dict[str, float | None] = {
            "pending": 2.0, "firing": 4.0, "notified": 6.0, "resolved": 5.0, "healed": 3.0,
        }  # fmt: skip
        self.log: list[Any] = []
        self.healing = ""
        self.extra_actions: list[tuple[float, PerformedAction]] = []
        self.checked_at = 0.0
        self.unsteady = (0.0, 0.0)
        self.active_fault = ""
        self.raises: dict[str, BaseException] = {}
        self.started, self.injected, self.removed = self.clock.now, 0.0, 0.0
        # The machine, the fault's effect, and the share of evaluations that Prometheus misses.
        self.use = MachineUse(busy=0.2, waiting=0.1, load=0.3)
        self.effect: Effect | None = None
        self.missed_share = 0.0
        self.deviation = "lb-1 is failed."
        self.notifies = "Down"
        self.pages: Sequence[str] = ["Down"]
        self.runtime = FakeRuntime(folder)
        self.runtime.on_call = self._on_call
        self.traffic = FakeTraffic()
        self.progress = FakeProgress()
        self.folder = folder
        monkeypatch.setattr(self.runtime, "status", self._status)
        self._patch(monkeypatch)

    def run(self, **drill: Any) -> DrillResult:
        """Run a drill on this stack."""
        return DrillRun(make_drill(**drill), self.context()).execute()

    def context(self) -> DrillContext:
        return make_context(
            self.runtime,
            self.folder,
            traffic=self.traffic,
            progress=self.progress,
            undo_log=LoggedUndo(self.folder, self.log),
            prometheus=self,
            alertmanager=self,
            responder=SimulatedResponder(self),
            loki=None,
        )

    def _patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (backfill, chart_data, steady_state, run, probes, pipeline_delay):
            monkeypatch.setattr(module, "time", self.clock)
        monkeypatch.setattr(MachineMonitor, "use", lambda _: self.use)
        pipeline = Pipeline("up < 1", 5.0, [5.0], 0.0, 0.0, groups=["down"])
        monkeypatch.setattr(inconclusive, "find_pipeline", lambda _: pipeline)
        monkeypatch.setattr(steady_state, "find_deviation", self._deviation)
        monkeypatch.setattr(steady_state, "require_no_faults", self._require_no_faults)
        monkeypatch.setattr(registry, "create", self._make_fault)
        monkeypatch.setattr(probes.Probes, "check_runbook", self._check_runbook)
        monkeypatch.setattr("alertdrill.drills.diagnose.explain_missing", explain_missing)

    # The fault

    def _make_fault(self, spec: Any, _: DrillContext, max_duration: float) -> Any:
        stack = self

        class FakeFault:
            undo = (("resume", spec.target),)

            def prepare(self) -> None:
                stack._maybe_raise("prepare")

            def inject(self) -> None:
                stack.log.append(("inject", max_duration))
                stack.injected = stack.clock.now
                stack._maybe_raise("inject")

            def measure(self, since: float) -> Effect | None:
                assert since == stack.injected
                return stack.effect

            def stop(self) -> None:
                stack.log.append("stop")
                stack._maybe_raise("stop")

        return FakeFault()

    def _on_call(self, method: str, *_: object) -> None:
        self.log.append(method)
        if method == "resume":
            self.removed = self.clock.now

    def _maybe_raise(self, event: str) -> None:
        if event in self.raises:
            raise self.raises[event]

    # The answers of Prometheus, Alertmanager and the responder

    def _reached_at(self, phase: str) -> float | None:
        """Return the time of a phase, None if it is still to come."""
        delay = self.delays[phase]
        origin = self._recovered_at() if phase == "resolved" else self.injected
        if delay is None or not origin or self.clock.now < origin + delay:
            return None
        return origin + delay

    def _recovered_at(self) -> float | None:
        return self._reached_at("healed") if self.healing else self.removed

    def actions(self) -> list[PerformedAction]:
        """Return the responder's actions until now."""
        actions = [
            replace(action, began=self.injected + delay) for delay, action in self.extra_actions
        ]
        if self.healing and (began := self._reached_at("notified")):
            ended = self._reached_at("healed")
            state = "done" if ended else "running"
            action = PerformedAction("Down", self.healing, "web", "web-1", state, began, ended)
            actions.append(action)
        return [action for action in actions if action.began <= self.clock.now]

    def rule(self, alert: str) -> RuleState:
        self._maybe_raise("rule")
        pending, firing = self._reached_at("pending"), self._reached_at("firing")
        if not pending or self._reached_at("resolved"):
            return RuleState("up < 1", 60.0, "", [])
        state = "firing" if firing else "pending"
        return RuleState("up < 1", 60.0, "", [ActiveAlert(state, LABELS, pending)])

    def own_metrics(self, *_: object) -> list[tuple[str, Any, float]]:
        group = {"rule_group": "/rules/a.yml;down"}
        missed = self.missed_share * (self.clock.now - self.started) / 5.0
        return [
            (pipeline_delay.INTERVAL, group, 5.0),
            (pipeline_delay.MISSED, group, missed),
            (pipeline_delay.LAST, group, self.clock.now),
        ]

    def scrape_interval(self) -> float:
        self._maybe_raise("scrape_interval")
        return 5.0

    def query_range(self, promql: str, span: tuple[float, float], step: float) -> list[Line]:
        return [Line({}, [(span[0], 1.0)])]

    def query(self, promql: str) -> list[Mapping[str, Any]]:
        return [{"metric": {"__name__": "up"}, "value": [0, "1"]}]

    def _status(self) -> list[Instance]:
        return [instance("web-1", pid=8 if self._reached_at("healed") else 7)]

    def _check_runbook(self, at: float) -> tuple[int, str]:
        self.log.append("runbook")
        self.checked_at = at
        self._maybe_raise("runbook")
        return 3, ""

    def _deviation(self, *_: object) -> str:
        before, after = self.unsteady
        start, seconds = (self.removed, after) if self.removed else (self.started, before)
        return self.deviation if self.clock.now < start + seconds else ""

    def _require_no_faults(self, *_: object) -> None:
        if self.active_fault:
            raise DrillError(self.active_fault)


class LoggedUndo(UndoLog):
    """An undo log that records its writes as (record, alert, steps)."""

    def __init__(self, home: Path, log: list[Any]) -> None:
        super().__init__(home)
        self._log = log

    def write(self, record: UndoRecord) -> None:
        self._log.append(("record", record.alert, list(record.undo)))


class SimulatedResponder:
    """The responder of a simulated stack."""

    def __init__(self, stack: SimulatedStack) -> None:
        self._stack = stack

    def received_alerts(self, since: float, **filters: str) -> list[ReceivedAlert]:
        stack = self._stack
        assert since == stack.injected
        if filters.get("severity") == "page":
            return [received(alert, "firing", since) for alert in stack.pages]
        phase = "notified" if filters["status"] == "firing" else "resolved"
        at = stack._reached_at(phase)
        return [received(stack.notifies, filters["status"], at)] if at else []

    def actions(self, since: float) -> list[PerformedAction]:
        self._stack._maybe_raise("actions")
        assert since == self._stack.injected
        return self._stack.actions()


def received(alert: str, status: str, at: float) -> ReceivedAlert:
    return ReceivedAlert(alert, status, "page", {**LABELS, "alertname": alert}, {}, at)


def explain_missing(phase: str, drill: Drill, *_: object, since: float, limit: float) -> str:
    """Return a shorter sentence than the real function."""
    return f"{drill.alert} was not {phase} within {limit:.1f} s."
