"""Run one drill: steady state, fault, expected phases, rollback, steady state again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..clients.http import UnreachableError
from ..clients.responder import PerformedAction
from ..errors import AlertdrillError
from . import backfill, chart_data, diagnose, steady_state, undo
from .context import DrillContext
from .faults import Fault, registry
from .ideal_times import find_pipeline, ideal_times
from .inconclusive import InconclusiveError, MissedDeadline, slack
from .model import GRACE_S, Drill, DrillError
from .probes import Probes
from .result import DETECTION_PHASES, DrillResult, Verdict
from .steady_state import NotSteadyError


def new_result(drill: Drill) -> DrillResult:
    """Return the result of a drill that begins now; its run completes it."""
    return DrillResult(
        alert=drill.alert,
        description=drill.description,
        fault=str(drill.fault),
        severity=drill.expect.labels.get("severity", ""),
        verdict="passed",
        reason="",
        began=time.time(),
        heal=drill.expect.heal,
        note=drill.note,
        backfilled=bool(drill.backfill),
    )


class DrillRun:
    """One run of one drill; call `execute` once."""

    def __init__(self, drill: Drill, context: DrillContext) -> None:
        self._drill = drill
        self._expect = drill.expect
        self._context = context
        self._probes = Probes(drill, context)
        self._speed = context.runtime.speed
        self._result = new_result(drill)
        self._limits = self._result.limits = drill.limits(self._speed)
        self._actions: Sequence[PerformedAction] = ()
        # The first undo step that failed, as a sentence.
        self._rollback_error = ""

    def execute(self) -> DrillResult:
        """Run the drill and return its result; the fault is rolled back in every case."""
        result = self._result
        phases: Sequence[tuple[Callable[[], None], Verdict, str]] = (
            (self._preflight, "aborted", "The stack had no steady state before the fault: "),
            (self._run_under_fault, "failed", ""),
            (self._recover, "deviated", "The steady state did not return: "),
            # The responder may have performed an action during the recovery.
            (self._check_blast_radius, "failed", ""),
        )
        for phase, verdict, prefix in phases:
            try:
                phase()
            except AlertdrillError as error:
                inconclusive = isinstance(error, InconclusiveError)
                text = str(error) if inconclusive else f"{prefix}{error}"
                sentences = dict.fromkeys(filter(None, (text, self._rollback_error)))
                result.verdict = "inconclusive" if inconclusive else verdict
                result.reason = " ".join(sentences)
                break
        result.ended = time.time()
        result.severity = self._probes.severity or result.severity
        if result.injected is not None:
            result.actions = self._action_texts()
            result.chart = chart_data.record(result, self._context)
        return result

    def _preflight(self) -> None:
        """Start the load, backfill series and await the steady state, without faults."""
        self._context.traffic.ensure(self._drill.load)
        if self._context.runtime.ephemeral:
            backfill.replace_history(self._drill, self._context)
        self._await_steady_state("steady", steady_state.max_wait(self._speed))
        steady_state.require_no_faults(self._context.runtime)

    def _recover(self) -> None:
        scale_in = steady_state.scale_in_time(self._actions, self._speed)
        self._await_steady_state("steady again", self._limits["resolved"] + scale_in)

    def _await_steady_state(self, phase: str, limit: float) -> None:
        drill, measured = self._drill, MissedDeadline(self._drill, self._context)
        try:
            steady_state.wait(self._context, drill.load, drill.alert, phase=phase, limit=limit)
        except NotSteadyError as error:
            raise measured.error(str(error), GRACE_S) from error

    def _check_blast_radius(self) -> None:
        self._actions = self._probes.check_blast_radius()
        self._probes.check_failures()

    # The fault

    def _run_under_fault(self) -> None:
        context, result = self._context, self._result
        fault = registry.create(self._drill.fault, context, self._drill.fault_duration(self._speed))
        self._probes.snapshot_processes()
        self._result.ideal = ideal_times(self._drill, find_pipeline(self._drill.alert), self._speed)
        context.record_undo(self._drill.alert, fault.undo)
        try:
            fault.prepare()
            self._measured = MissedDeadline(self._drill, context, fault)
            result.injected = self._probes.since = time.time()
            fault.inject()
            self._await_detection()
            if self._expect.needs_action:  # the action recovers the service under the fault
                self._await("resolved")
        finally:
            self._rollback(fault)
        if self._rollback_error:
            raise DrillError(self._rollback_error)
        self._measured = MissedDeadline(self._drill, context)
        if self._expect.notified == "late":
            self._await("notified", self._limits["resolved"])
        if not self._expect.needs_action:
            self._await("resolved")
        self._check_blast_radius()

    def _rollback(self, fault: Fault) -> None:
        result = self._result
        try:
            fault.stop()
        finally:
            failures = undo.perform(self._context.runtime, fault.undo)
            if result.injected is not None:
                result.removed = time.time()
                result.recovered_at = result.recovered_at or result.removed
            if failures:  # the steps stay on record, and the end of the session tries again
                self._rollback_error = f"The fault could not be undone: {failures[0]}"
            else:
                self._context.record_undo("", ())

    def _await_detection(self) -> None:
        if self._expect.replacement_alert is None:
            self._await("pending", self._limits["notified"])
            self._await("firing", self._limits["notified"])
        # Healing may end the fault before the queries run, but not before the notification.
        late = self._expect.notified == "late"
        at = time.time() if late else self._await("notified")
        self._result.effect = str(self._measured.effect(self._result.injected or 0.0) or "")
        self._result.queries, self._result.queries_skipped = self._probes.check_runbook(at)
        if self._expect.heal != "none":
            healed_at = self._await("healed")
            if self._expect.needs_action:
                self._result.recovered_at = healed_at
        if not late:  # a late notification cannot have arrived yet
            self._probes.check_single_page()

    def _await(self, phase: str, limit: float = 0.0) -> float:
        """Wait for a phase and return its time; in the result it counts from the fault.

        That of `resolved` counts from the recovery. So does the limit, but a phase that can come
        only after the fault may take that long from the fault's end.
        """
        context, result, limit = self._context, self._result, limit or self._limits[phase]
        injected = result.injected or 0.0
        origin = (phase == "resolved" and result.recovered_at) or injected
        start = result.removed or origin
        while True:
            elapsed = time.time() - start
            context.progress.waiting(phase, elapsed, limit)
            try:
                reached_at = self._probes.reached_at(phase)
            except UnreachableError:
                reached_at = None  # it may be the component that the drill stopped
            if reached_at is not None:
                result.times[phase] = max(0.0, reached_at - origin)
                context.progress.phase_reached(phase, result.times[phase], limit)
                return origin + result.times[phase]
            if elapsed > limit:
                reason = diagnose.explain_missing(
                    phase, self._drill, context, since=injected, limit=limit
                )
                # Healing ends the effect of a fault, but not before the notification.
                since = injected if phase in DETECTION_PHASES else 0.0
                raise self._measured.error(reason, slack(result, phase), since)
            time.sleep(steady_state.POLL_INTERVAL_S)

    def _action_texts(self) -> Sequence[str]:
        try:
            actions = self._context.responder.actions(self._probes.since)
        except UnreachableError:
            return ()  # too late to change the verdict
        return [f"{action.kind} of {action.target}" for action in actions]
