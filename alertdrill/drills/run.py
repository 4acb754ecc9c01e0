"""Run one drill: steady state, fault, expected phases, rollback, steady state again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..clients.http import UnreachableError
from ..errors import AlertdrillError
from . import backfill, chart, diagnose, steady_state, undo
from .context import DrillContext
from .faults import registry
from .faults.base import Fault
from .ideal_times import find_pipeline, ideal_times
from .model import Drill, UnmetError, UnsteadyError
from .probes import Probes, RunbookCheck
from .result import Chart, DrillResult, IdealTime, Verdict

# A service ends its fault by itself this long after the drill's limits, in seconds.
FAULT_MARGIN_S = 30.0
# How many scrapes before the fault a chart shows.
SCRAPES_BEFORE = 20


@dataclass
class DrillRun:
    """One run of one drill; call `execute` once."""

    drill: Drill
    context: DrillContext
    times: dict[str, float] = field(default_factory=dict)
    injected: float | None = None
    removed: float | None = None
    _runbook: RunbookCheck = field(default_factory=RunbookCheck)
    # The first undo step that failed, as a sentence.
    _rollback_error: str = ""

    def execute(self) -> DrillResult:
        """Run the drill and return its result; the fault is rolled back in every case."""
        began = time.time()
        verdict, reason = self._verdict()
        return DrillResult(
            alert=self.drill.alert,
            description=self.drill.description,
            fault=str(self.drill.fault),
            severity=self._probes.severity or self.drill.expect.labels.get("severity", ""),
            verdict=verdict,
            reason=reason,
            began=began,
            injected=self.injected,
            removed=self.removed,
            recovered_at=self._recovered_at,
            ended=time.time(),
            times=self.times,
            limits=self._limits,
            heal=self.drill.expect.heal,
            actions=self._actions(),
            ideal=self._ideal_times(),
            note=self.drill.note,
            backfilled=bool(self.drill.backfill),
            queries=self._runbook.queries,
            queries_skipped=self._runbook.skipped_reason,
            chart=self._chart(),
        )

    def __post_init__(self) -> None:
        """Create the probes."""
        self._evaluator = self.context.evaluator(self.drill.alert)
        self._probes = Probes(self.drill, self.context)

    @property
    def _speed(self) -> float:
        return self.context.runtime.speed

    @property
    def _detect_limit(self) -> float:
        return self.drill.detect_limit(self._speed)

    @property
    def _resolve_limit(self) -> float:
        return self.drill.resolve_limit(self._speed)

    @property
    def _heal_limit(self) -> float:
        return self.drill.heal_limit(self._speed)

    @property
    def _limits(self) -> dict[str, float]:
        healed = {} if self.drill.expect.heal == "none" else {"healed": self._heal_limit}
        return {"notified": self._detect_limit, **healed, "resolved": self._resolve_limit}

    def _verdict(self) -> tuple[Verdict, str]:
        try:
            self._preflight()
        except (UnsteadyError, AlertdrillError) as error:
            return "aborted", f"The stack had no steady state before the fault: {error}"
        try:
            self._inject_and_rollback()
            actions = self._probes.check_blast_radius()
        except (UnmetError, AlertdrillError) as error:
            sentences = dict.fromkeys(filter(None, (str(error), self._rollback_error)))
            return "failed", " ".join(sentences)
        try:
            limit = self._resolve_limit + steady_state.scale_in_time(actions, self._speed)
            self._await_steady_state("steady again", limit)
        except (UnsteadyError, AlertdrillError) as error:
            return "deviated", f"The steady state did not return: {error}"
        return self._final_verdict()

    def _final_verdict(self) -> tuple[Verdict, str]:
        """Check the actions that the responder performed during the recovery, too."""
        try:
            self._probes.check_blast_radius()
        except (UnmetError, AlertdrillError) as error:
            return "failed", str(error)
        return "passed", ""

    def _preflight(self) -> None:
        """Start the load, backfill series and await the steady state, without faults."""
        self.context.traffic.ensure(self.drill.load)
        if self.context.runtime.ephemeral:
            backfill.replace_history(self.drill, self.context)
        self._await_steady_state("steady", steady_state.max_wait(self._speed))
        steady_state.require_no_faults(self.context.runtime)

    def _await_steady_state(self, phase: str, limit: float) -> None:
        steady_state.wait(self.context, self.drill.load, self.drill.alert, phase=phase, limit=limit)

    # The fault

    def _inject_and_rollback(self) -> None:
        context = self.context
        max_duration = self._heal_limit + self._resolve_limit + FAULT_MARGIN_S
        fault = registry.create(self.drill.fault, context, max_duration)
        self._probes.snapshot_processes()
        context.record_undo(self.drill.alert, fault.undo)
        try:
            fault.prepare()
            self.injected = self._probes.since = time.time()
            fault.inject()
            self._await_detection()
            if self.drill.expect.needs_action:  # the action recovers the service under the fault
                self._await("resolved", self._probes.resolved, self._resolve_limit)
        finally:
            self._rollback(fault)
        if self._rollback_error:
            raise UnmetError(self._rollback_error)
        if self.drill.expect.notified_late:
            self._await("notified", self._probes.notified, self._resolve_limit)
        if not self.drill.expect.needs_action:
            self._await("resolved", self._probes.resolved, self._resolve_limit)

    def _rollback(self, fault: Fault) -> None:
        try:
            fault.stop()
        finally:
            failures = undo.perform(self.context.runtime, fault.undo)
            self.removed = time.time()
            if failures:  # the steps stay on record, and the end of the session tries again
                self._rollback_error = f"The fault could not be undone: {failures[0]}"
            else:
                self.context.record_undo("", ())

    def _await_detection(self) -> None:
        if self.drill.expect.replacement_alert is None:
            self._await("pending", self._probes.pending, self._detect_limit)
            self._await("firing", self._probes.firing, self._detect_limit)
        if not self.drill.expect.notified_late:
            self._await("notified", self._probes.notified, self._detect_limit)
        self._check_runbook()
        if self.drill.expect.heal != "none":
            self._await("healed", self._probes.healed, self._heal_limit)
        if not self.drill.expect.notified_late:  # a late notification cannot have arrived yet
            self._probes.check_single_page()

    def _check_runbook(self) -> None:
        """Check the runbook as of the notification: healing may end the fault after it."""
        at = time.time()
        if self.injected is not None and "notified" in self.times:
            at = self.injected + self.times["notified"]
        self._runbook = self._probes.check_runbook(at)

    def _await(self, phase: str, probe: Callable[[], float | None], limit: float) -> None:
        """Wait for a phase; its time counts from the fault, or from the recovery for `resolved`.

        So does its limit, but a phase that can come only after the fault may take that long from
        the fault's end.
        """
        assert self.injected is not None
        origin = (self._recovered_at if phase == "resolved" else None) or self.injected
        start = self.removed or origin
        while True:
            elapsed = time.time() - start
            self.context.progress.waiting(phase, elapsed, limit)
            try:
                reached_at = probe()
            except UnreachableError:
                reached_at = None  # it may be the component that the drill stopped
            if reached_at is not None:
                self.times[phase] = max(0.0, reached_at - origin)
                self.context.progress.phase_reached(phase, self.times[phase], limit)
                return
            if elapsed > limit:
                raise UnmetError(
                    diagnose.explain_missing(phase, self.drill, self._pipeline(), limit)
                )
            time.sleep(steady_state.POLL_INTERVAL_S)

    @property
    def _recovered_at(self) -> float | None:
        """Return when the responder healed the service, else when the fault was removed."""
        healed = self.times.get("healed") if self.drill.expect.needs_action else None
        return self.removed if healed is None else (self.injected or 0.0) + healed

    def _pipeline(self) -> diagnose.AlertPipeline:
        context, since = self.context, self.injected or 0.0
        return diagnose.AlertPipeline(
            self._evaluator, context.alertmanager, context.responder, since
        )

    # The rest of the result

    def _actions(self) -> Sequence[str]:
        if self.injected is None:
            return ()
        try:
            actions = self.context.responder.actions(self.injected)
        except UnreachableError:
            return ()  # too late to change the verdict
        return [f"{action.kind} of {action.target}" for action in actions]

    def _chart(self) -> Chart | None:
        """Return the values of the alert's expression from shortly before the fault until now.

        Return None if the evaluator does not answer or has no such rule.
        """
        if self.injected is None:
            return None
        firing = self.times.get("firing")
        fired = None if firing is None else self.injected + firing
        try:
            rule = self._evaluator.rule(self.drill.alert)
            step = self.context.prometheus.scrape_interval()
        except UnreachableError:
            return None
        if rule is None:
            return None
        begin = self.injected - SCRAPES_BEFORE * step
        window = chart.TimeWindow(begin, time.time(), step, fired)
        return chart.record_chart(self._evaluator, rule.query, window)

    def _ideal_times(self) -> Mapping[str, IdealTime]:
        pipeline = find_pipeline(self.drill.alert)
        if self.injected is None or pipeline is None:
            return {}
        return ideal_times(self.drill, pipeline, self._speed)
