"""Run one drill: steady state, fault, what must happen, roll back, steady state again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..errors import FiredrillError
from ..rehearsal.promql import scale as scale_query
from ..settings import ROOT, SERVICES
from . import diagnose, faults, history, least, runbook, steady, steps
from .drill import Drill
from .errors import UnmetError, UnreachableError, UnsteadyError
from .faults import Fault
from .outcome import Chart, Outcome, Verdict
from .stage import Stage
from .witness import Witness

POLL = 0.1
# How long the windows of a minute take to hold nothing but the steady state.
SETTLE = 60.0
# What the steady state may take to come: starts, scrapes, and whatever the last drill left.
STEADY_WORLD, STEADY_SCALED = 30.0, 300.0
# Service faults end by themselves this long after the drill should be over, in seconds.
MARGIN = 30.0


@dataclass
class Trial:
    """One drill on a stage; `run` may be called once."""

    drill: Drill
    stage: Stage
    times: dict[str, float] = field(default_factory=dict)
    injected: float | None = None
    removed: float | None = None
    _checked: runbook.Checked = field(default_factory=runbook.Checked)
    _pace: least.Pace | None = None
    # Says what could not be undone.
    _stuck: str = ""

    def run(self) -> Outcome:
        """Run it and return how it went; the fault is over then, whatever happened."""
        began = time.time()
        verdict, reason = self._verdict()
        outcome = Outcome(
            alert=self.drill.alert,
            says=self.drill.says,
            fault=str(self.drill.fault),
            severity=self._witness.severity or self.drill.expect.labels.get("severity", ""),
            verdict=verdict,
            reason=reason,
            began=began,
            injected=self.injected,
            removed=self.removed,
            ended=time.time(),
            times=self.times,
            limits={"notified": self._detect, "resolved": self._resolve},
            excuse=self.drill.excuse,
            history=bool(self.drill.history),
            queries=self._checked.queries,
            queries_left_out=self._checked.left_out,
            chart=self._chart(),
        )
        return self._with_least(outcome)

    def __post_init__(self) -> None:
        """Have the witness look at the same stage."""
        stage = self.stage
        self._evaluator = stage.evaluator(self.drill.alert)
        self._witness = Witness(self.drill, self._evaluator, stage.journal, stage.scene.runtime)

    @property
    def _speed(self) -> float:
        return self.stage.scene.runtime.speed

    @property
    def _detect(self) -> float:
        return self.drill.limit_detect(self._speed)

    @property
    def _resolve(self) -> float:
        return self.drill.limit_resolve(self._speed)

    def _verdict(self) -> tuple[Verdict, str]:
        try:
            self._prepare()
        except (UnsteadyError, FiredrillError) as error:
            return "aborted", f"There was no steady state to begin with: {error}"
        try:
            self._break_and_mend()
        except (UnmetError, FiredrillError) as error:
            return "failed", " ".join(dict.fromkeys(filter(None, (str(error), self._stuck))))
        try:
            self._await_steady("steady again", self._resolve)
        except (UnsteadyError, FiredrillError) as error:
            return "deviated", f"The steady state did not come back: {error}"
        return "passed", ""

    # Before the fault

    def _prepare(self) -> None:
        scene = self.stage.scene
        scene.traffic.ensure(self.drill.load)
        if scene.runtime.rehearsal:
            self._make_past()
        self._await_steady("steady", STEADY_WORLD + STEADY_SCALED / self._speed)
        steady.no_faults(scene.runtime, list(SERVICES))
        self._pace = self._measure_pace()

    def _make_past(self) -> None:
        runtime, prometheus = self.stage.scene.runtime, self.stage.prometheus
        # Before Prometheus forgets what its series are now.
        file = self.stage.folder / "history.om"
        if self.drill.history:
            self._await_steady("steady", STEADY_WORLD)
            history.write(file, self.drill.history, prometheus, (time.time(), self._speed))
        runtime.forget_series()
        if self.drill.history:
            runtime.import_series(file)
            file.unlink()
        begun = time.monotonic()
        while (elapsed := time.monotonic() - begun) < SETTLE / self._speed:
            self.stage.progress.waiting("settled", elapsed, SETTLE / self._speed)
            time.sleep(POLL)

    def _await_steady(self, phase: str, limit: float) -> None:
        expected = steady.Expected(self.drill.load, self.drill.alert)
        begun = time.monotonic()
        while True:
            self.stage.scene.traffic.require()
            elapsed = time.monotonic() - begun
            self.stage.progress.waiting(phase, elapsed, limit)
            try:
                return steady.require(self.stage.scene.runtime, expected)
            except UnsteadyError:
                if elapsed > limit:
                    raise
            time.sleep(POLL)

    def _measure_pace(self) -> least.Pace:
        rule = self._evaluator.rule(self.drill.alert)
        scrape = self.stage.prometheus.scrape_interval()
        return least.Pace(
            speed=self._speed,
            # Nobody scrapes lines: what they take to arrive is the world's.
            scrape=scrape if self._evaluator is self.stage.prometheus else 0.0,
            evaluation=rule.interval if rule else scrape,
            hold=rule.hold if rule else 0.0,
            group_wait=self.stage.alertmanager.group_wait(),
        )

    # The fault

    def _break_and_mend(self) -> None:
        lasts = self._detect + self._resolve + MARGIN
        fault = faults.make(self.drill.fault, replace(self.stage.scene, lasts=lasts))
        self._witness.remember()
        self.stage.broken(self.drill.alert, fault.undo)
        try:
            fault.prepare()
            self.injected = self._witness.since = time.time()
            fault.inject()
            self._detect_it()
        finally:
            self._mend(fault)
        if self._stuck:
            raise UnmetError(self._stuck)
        if self.drill.expect.late:
            self._await("notified", self._witness.told, self._resolve)
        self._await("resolved", self._witness.resolved, self._resolve)

    def _mend(self, fault: Fault) -> None:
        try:
            fault.cease()
        finally:
            failures = steps.perform(self.stage.scene.runtime, fault.undo)
            self.removed = time.time()
            if failures:  # and it stays on record, so that it is tried again
                self._stuck = f"The fault could not be undone: {failures[0]}"
            else:
                self.stage.broken("", ())

    def _detect_it(self) -> None:
        if self.drill.expect.instead is None:
            self._await("pending", self._witness.pending, self._detect)
            self._await("firing", self._witness.firing, self._detect)
        if not self.drill.expect.late:
            self._await("notified", self._witness.told, self._detect)
        if self.drill.expect.heal == "restart":
            self._await("healed", self._witness.restarted, self._detect)
        if not self.drill.expect.late:  # else nothing can have arrived yet
            self._witness.one_page()
        if self.drill.fault.target != "prometheus":
            file = ROOT / "alerting" / "runbooks" / f"{self.drill.alert}.md"
            loki = self.stage.loki if self.drill.fault.target != "loki" else None
            stores = runbook.Stores(self.stage.prometheus, loki)
            scaled: Callable[[str], str] = lambda query: scale_query(query, self._speed)  # noqa: E731
            self._checked = runbook.check(file, stores, scaled, time.time())
        else:
            self._checked = runbook.Checked(0, "Prometheus is what the drill stops")

    def _await(self, phase: str, check: Callable[[], float | None], limit: float) -> None:
        """Wait for a phase; its time counts from the fault, or from its end for `resolved`."""
        assert self.injected is not None
        mended = phase == "resolved" or self.removed is not None
        begun = self.removed if mended and self.removed else self.injected
        while True:
            elapsed = time.time() - begun
            self.stage.progress.waiting(phase, elapsed, limit)
            try:
                reached = check()
            except UnreachableError:
                reached = None  # it may be just what the drill has stopped
            if reached is not None:
                origin = begun if phase == "resolved" else self.injected
                self.times[phase] = max(0.0, reached - origin)
                self.stage.progress.reached(phase, self.times[phase], limit)
                return
            if elapsed > limit:
                raise UnmetError(diagnose.missing(phase, self.drill, self._parts(), limit))
            time.sleep(POLL)

    def _parts(self) -> diagnose.Parts:
        responder = self.stage.scene.runtime.address("responder")
        return diagnose.Parts(self._evaluator, self.stage.alertmanager, responder)

    # Afterwards

    def _chart(self) -> Chart | None:
        if self.injected is None:
            return None
        firing = self.times.get("firing")
        fired = None if firing is None else self.injected + firing
        return self.stage.chart(self.drill.alert, self.injected, fired)

    def _with_least(self, outcome: Outcome) -> Outcome:
        if self._pace is None or self.drill.expect.instead:
            return outcome
        return replace(
            outcome,
            least=least.to_firing(self.drill, self._pace),
            least_notified=least.to_notification(self.drill, self._pace),
        )
