"""Run one drill: steady state, fault, what must happen, roll back, steady state again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..errors import AlertdrillError
from ..rehearsal.promql import scale as scale_query
from ..settings import ROOT
from . import diagnose, faults, least, ready, runbook, steps
from .drill import Drill
from .errors import UnmetError, UnreachableError, UnsteadyError
from .faults import Fault
from .outcome import Chart, Outcome, Verdict
from .ready import POLL
from .stage import Stage
from .witness import Witness

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
            over=self._over,
            ended=time.time(),
            times=self.times,
            limits=self._limits,
            heal=self.drill.expect.heal,
            actions=self._actions(),
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

    @property
    def _heal(self) -> float:
        return self.drill.limit_heal(self._speed)

    @property
    def _limits(self) -> dict[str, float]:
        healed = {} if self.drill.expect.heal == "none" else {"healed": self._heal}
        return {"notified": self._detect, **healed, "resolved": self._resolve}

    def _verdict(self) -> tuple[Verdict, str]:
        try:
            self._pace = ready.prepare(self.drill, self.stage)
        except (UnsteadyError, AlertdrillError) as error:
            return "aborted", f"There was no steady state to begin with: {error}"
        try:
            self._break_and_mend()
            acted = self._witness.touched()
        except (UnmetError, AlertdrillError) as error:
            return "failed", " ".join(dict.fromkeys(filter(None, (str(error), self._stuck))))
        try:
            limit = self._resolve + ready.to_the_floor(acted, self._speed)
            ready.await_steady(self.drill, self.stage, "steady again", limit)
        except (UnsteadyError, AlertdrillError) as error:
            return "deviated", f"The steady state did not come back: {error}"
        return self._afterwards()

    def _afterwards(self) -> tuple[Verdict, str]:
        """See that nobody else was touched on the way back, either."""
        try:
            self._witness.touched()
        except (UnmetError, AlertdrillError) as error:
            return "failed", str(error)
        return "passed", ""

    # The fault

    def _break_and_mend(self) -> None:
        lasts = self._heal + self._resolve + MARGIN
        fault = faults.make(self.drill.fault, replace(self.stage.scene, lasts=lasts))
        self._witness.remember()
        self.stage.broken(self.drill.alert, fault.undo)
        try:
            fault.prepare()
            self.injected = self._witness.since = time.time()
            fault.inject()
            self._detect_it()
            if self.drill.expect.acted_on:  # the fault is on, and yet it is over
                self._await("resolved", self._witness.resolved, self._resolve)
        finally:
            self._mend(fault)
        if self._stuck:
            raise UnmetError(self._stuck)
        if self.drill.expect.late:
            self._await("notified", self._witness.told, self._resolve)
        if not self.drill.expect.acted_on:
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
        self._check_runbook()
        if self.drill.expect.heal != "none":
            self._await("healed", self._witness.healed, self._heal)
        if not self.drill.expect.late:  # else nothing can have arrived yet
            self._witness.one_page()

    def _check_runbook(self) -> None:
        """See that the runbook's queries show the fault; whoever heals may end it at any moment."""
        if self.drill.fault.target == "prometheus":
            self._checked = runbook.Checked(0, "Prometheus is what the drill stops")
            return
        file = ROOT / "alerting" / "runbooks" / f"{self.drill.alert}.md"
        loki = self.stage.loki if self.drill.fault.target != "loki" else None
        stores = runbook.Stores(self.stage.prometheus, loki)
        told = self.times.get("notified")
        now = time.time() if told is None or self.injected is None else self.injected + told
        self._checked = runbook.check(file, stores, self._scaled, now)

    def _scaled(self, query: str) -> str:
        return scale_query(query, self._speed)

    def _await(self, phase: str, check: Callable[[], float | None], limit: float) -> None:
        """Wait for a phase; its time counts from the fault, or for `resolved` since it was over.

        So does its limit, but what can come only after the fault may take as long from there.
        """
        assert self.injected is not None
        origin = (self._over if phase == "resolved" else None) or self.injected
        begun = self.removed or origin
        while True:
            elapsed = time.time() - begun
            self.stage.progress.waiting(phase, elapsed, limit)
            try:
                reached = check()
            except UnreachableError:
                reached = None  # it may be just what the drill has stopped
            if reached is not None:
                self.times[phase] = max(0.0, reached - origin)
                self.stage.progress.reached(phase, self.times[phase], limit)
                return
            if elapsed > limit:
                raise UnmetError(diagnose.missing(phase, self.drill, self._parts(), limit))
            time.sleep(POLL)

    @property
    def _over(self) -> float | None:
        """Return when what the fault broke was mended: by the responder, else with the fault."""
        healed = self.times.get("healed") if self.drill.expect.acted_on else None
        return self.removed if healed is None else (self.injected or 0.0) + healed

    def _parts(self) -> diagnose.Parts:
        responder = self.stage.scene.runtime.address("responder")
        since = self.injected or 0.0
        return diagnose.Parts(self._evaluator, self.stage.alertmanager, responder, since)

    # Afterwards

    def _actions(self) -> Sequence[str]:
        if self.injected is None:
            return ()
        try:
            found = self.stage.journal.actions(self.injected)
        except UnreachableError:
            return ()  # what could not be asked changes no verdict any more
        return [f"{one.kind} of {one.target}" for one in found]

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
