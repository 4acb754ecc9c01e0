"""Run one drill: steady state, fault, expected phases, rollback, steady state again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from ..clients.http import UnreachableError
from ..errors import AlertdrillError
from . import backfill, chart_data, diagnose, steady_state, undo
from .context import DrillContext
from .faults import Fault, registry
from .ideal_times import find_pipeline, ideal_times
from .model import Drill, DrillError
from .probes import Probes
from .result import DrillResult, Verdict


class DrillRun:
    """One run of one drill; call `execute` once."""

    def __init__(self, drill: Drill, context: DrillContext) -> None:
        self._drill = drill
        self._expect = drill.expect
        self._context = context
        self._probes = Probes(drill, context)
        self._speed = context.runtime.speed
        self._limits = drill.limits(self._speed)
        self._times: dict[str, float] = {}
        # When the fault began and ended, in seconds since 1970; 0 until then.
        self._injected = self._removed = 0.0
        # The number of runbook queries that returned data, and why others were skipped.
        self._queries, self._queries_skipped = 0, ""
        # The first undo step that failed, as a sentence.
        self._rollback_error = ""

    def execute(self) -> DrillResult:
        """Run the drill and return its result; the fault is rolled back in every case."""
        drill, began = self._drill, time.time()
        verdict, reason = self._verdict()
        result = DrillResult(
            alert=drill.alert,
            description=drill.description,
            fault=str(drill.fault),
            severity=self._probes.severity or self._expect.labels.get("severity", ""),
            verdict=verdict,
            reason=reason,
            began=began,
            ended=time.time(),
            limits=self._limits,
            heal=self._expect.heal,
            note=drill.note,
            backfilled=bool(drill.backfill),
        )
        if not self._injected:
            return result
        firing = self._times.get("firing")
        return replace(
            result,
            injected=self._injected,
            removed=self._removed,
            recovered_at=self._recovered_at,
            times=self._times,
            actions=self._actions(),
            ideal=ideal_times(drill, find_pipeline(drill.alert), self._speed),
            queries=self._queries,
            queries_skipped=self._queries_skipped,
            chart=chart_data.record(drill.alert, self._context, self._injected, firing),
        )

    def _verdict(self) -> tuple[Verdict, str]:
        try:
            self._preflight()
        except AlertdrillError as error:
            return "aborted", f"The stack had no steady state before the fault: {error}"
        try:
            self._inject_and_rollback()
            actions = self._probes.check_blast_radius()
        except AlertdrillError as error:
            sentences = dict.fromkeys(filter(None, (str(error), self._rollback_error)))
            return "failed", " ".join(sentences)
        try:
            scale_in = steady_state.scale_in_time(actions, self._speed)
            self._await_steady_state("steady again", self._limits["resolved"] + scale_in)
        except AlertdrillError as error:
            return "deviated", f"The steady state did not return: {error}"
        try:  # the responder may have performed an action during the recovery
            self._probes.check_blast_radius()
        except AlertdrillError as error:
            return "failed", str(error)
        return "passed", ""

    def _preflight(self) -> None:
        """Start the load, backfill series and await the steady state, without faults."""
        self._context.traffic.ensure(self._drill.load)
        if self._context.runtime.ephemeral:
            backfill.replace_history(self._drill, self._context)
        self._await_steady_state("steady", steady_state.max_wait(self._speed))
        steady_state.require_no_faults(self._context.runtime)

    def _await_steady_state(self, phase: str, limit: float) -> None:
        drill = self._drill
        steady_state.wait(self._context, drill.load, drill.alert, phase=phase, limit=limit)

    # The fault

    def _inject_and_rollback(self) -> None:
        context = self._context
        max_duration = self._drill.fault_duration(self._speed)
        fault = registry.create(self._drill.fault, context, max_duration)
        self._probes.snapshot_processes()
        context.record_undo(self._drill.alert, fault.undo)
        try:
            fault.prepare()
            self._injected = self._probes.since = time.time()
            fault.inject()
            self._await_detection()
            if self._expect.needs_action:  # the action recovers the service under the fault
                self._await("resolved")
        finally:
            self._rollback(fault)
        if self._rollback_error:
            raise DrillError(self._rollback_error)
        if self._expect.notified == "late":
            self._await("notified", self._limits["resolved"])
        if not self._expect.needs_action:
            self._await("resolved")

    def _rollback(self, fault: Fault) -> None:
        try:
            fault.stop()
        finally:
            failures = undo.perform(self._context.runtime, fault.undo)
            self._removed = time.time()
            if failures:  # the steps stay on record, and the end of the session tries again
                self._rollback_error = f"The fault could not be undone: {failures[0]}"
            else:
                self._context.record_undo("", ())

    def _await_detection(self) -> None:
        if self._expect.replacement_alert is None:
            self._await("pending", self._limits["notified"])
            self._await("firing", self._limits["notified"])
        if self._expect.notified != "late":
            self._await("notified")
        # Healing may end the fault before the queries run, but not before the notification.
        notified = self._times.get("notified")
        at = time.time() if notified is None else self._injected + notified
        self._queries, self._queries_skipped = self._probes.check_runbook(at)
        if self._expect.heal != "none":
            self._await("healed")
        if self._expect.notified != "late":  # a late notification cannot have arrived yet
            self._probes.check_single_page()

    def _await(self, phase: str, limit: float = 0.0) -> None:
        """Wait for a phase; its time counts from the fault, or from the recovery for `resolved`.

        So does its limit, but a phase that can come only after the fault may take that long from
        the fault's end.
        """
        context, limit = self._context, limit or self._limits[phase]
        origin = (self._recovered_at if phase == "resolved" else 0.0) or self._injected
        start = self._removed or origin
        while True:
            elapsed = time.time() - start
            context.progress.waiting(phase, elapsed, limit)
            try:
                reached_at = self._probes.reached_at(phase)
            except UnreachableError:
                reached_at = None  # it may be the component that the drill stopped
            if reached_at is not None:
                self._times[phase] = max(0.0, reached_at - origin)
                context.progress.phase_reached(phase, self._times[phase], limit)
                return
            if elapsed > limit:
                raise DrillError(
                    diagnose.explain_missing(
                        phase, self._drill, context, since=self._injected, limit=limit
                    )
                )
            time.sleep(steady_state.POLL_INTERVAL_S)

    @property
    def _recovered_at(self) -> float:
        """Return when the responder healed the service, else when the fault was removed."""
        healed = self._times.get("healed") if self._expect.needs_action else None
        return self._removed if healed is None else self._injected + healed

    def _actions(self) -> Sequence[str]:
        try:
            actions = self._context.responder.actions(self._injected)
        except UnreachableError:
            return ()  # too late to change the verdict
        return [f"{action.kind} of {action.target}" for action in actions]
