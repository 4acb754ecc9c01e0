"""Run one drill: steady state, fault, expected phases, rollback, steady state again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ..clients.http import UnreachableError
from ..errors import AlertdrillError
from . import backfill, chart_data, diagnose, steady_state, undo
from .context import DrillContext
from .faults import registry
from .faults.base import Fault
from .ideal_times import find_pipeline, ideal_times
from .model import Drill, UnmetError, UnsteadyError
from .probes import Probes, RunbookCheck
from .result import Chart, DrillResult, IdealTime, Verdict


class DrillRun:
    """One run of one drill; call `execute` once."""

    def __init__(self, drill: Drill, context: DrillContext) -> None:
        self._drill = drill
        self._expect = drill.expect
        self._context = context
        self._probes = Probes(drill, context)
        self._limits = drill.limits(context.runtime.speed)
        self._times: dict[str, float] = {}
        self._injected: float | None = None
        self._removed: float | None = None
        self._runbook = RunbookCheck()
        # The first undo step that failed, as a sentence.
        self._rollback_error = ""

    def execute(self) -> DrillResult:
        """Run the drill and return its result; the fault is rolled back in every case."""
        began = time.time()
        verdict, reason = self._verdict()
        drill = self._drill
        return DrillResult(
            alert=drill.alert,
            description=drill.description,
            fault=str(drill.fault),
            severity=self._probes.severity or self._expect.labels.get("severity", ""),
            verdict=verdict,
            reason=reason,
            began=began,
            injected=self._injected,
            removed=self._removed,
            recovered_at=self._recovered_at,
            ended=time.time(),
            times=self._times,
            limits=self._limits,
            heal=self._expect.heal,
            actions=self._actions(),
            ideal=self._ideal_times(),
            note=drill.note,
            backfilled=bool(drill.backfill),
            queries=self._runbook.queries,
            queries_skipped=self._runbook.skipped_reason,
            chart=self._chart(),
        )

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
            scale_in = steady_state.scale_in_time(actions, self._context.runtime.speed)
            self._await_steady_state("steady again", self._limits["resolved"] + scale_in)
        except (UnsteadyError, AlertdrillError) as error:
            return "deviated", f"The steady state did not return: {error}"
        try:  # the responder may have performed an action during the recovery
            self._probes.check_blast_radius()
        except (UnmetError, AlertdrillError) as error:
            return "failed", str(error)
        return "passed", ""

    def _preflight(self) -> None:
        """Start the load, backfill series and await the steady state, without faults."""
        runtime = self._context.runtime
        self._context.traffic.ensure(self._drill.load)
        if runtime.ephemeral:
            backfill.replace_history(self._drill, self._context)
        self._await_steady_state("steady", steady_state.max_wait(runtime.speed))
        steady_state.require_no_faults(runtime)

    def _await_steady_state(self, phase: str, limit: float) -> None:
        drill = self._drill
        steady_state.wait(self._context, drill.load, drill.alert, phase=phase, limit=limit)

    # The fault

    def _inject_and_rollback(self) -> None:
        context = self._context
        max_duration = self._drill.fault_duration(context.runtime.speed)
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
            raise UnmetError(self._rollback_error)
        if self._expect.notified_late:
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
        if not self._expect.notified_late:
            self._await("notified")
        self._check_runbook()
        if self._expect.heal != "none":
            self._await("healed")
        if not self._expect.notified_late:  # a late notification cannot have arrived yet
            self._probes.check_single_page()

    def _check_runbook(self) -> None:
        """Check the runbook as of the notification: healing may end the fault after it."""
        at = time.time()
        if self._injected is not None and "notified" in self._times:
            at = self._injected + self._times["notified"]
        self._runbook = self._probes.check_runbook(at)

    def _await(self, phase: str, limit: float = 0.0) -> None:
        """Wait for a phase; its time counts from the fault, or from the recovery for `resolved`.

        So does its limit, but a phase that can come only after the fault may take that long from
        the fault's end.
        """
        assert self._injected is not None
        context, limit = self._context, limit or self._limits[phase]
        origin = (self._recovered_at if phase == "resolved" else None) or self._injected
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
                raise UnmetError(
                    diagnose.explain_missing(
                        phase, self._drill, context, since=self._injected, limit=limit
                    )
                )
            time.sleep(steady_state.POLL_INTERVAL_S)

    @property
    def _recovered_at(self) -> float | None:
        """Return when the responder healed the service, else when the fault was removed."""
        healed = self._times.get("healed") if self._expect.needs_action else None
        return self._removed if healed is None else (self._injected or 0.0) + healed

    def _actions(self) -> Sequence[str]:
        if self._injected is None:
            return ()
        try:
            actions = self._context.responder.actions(self._injected)
        except UnreachableError:
            return ()  # too late to change the verdict
        return [f"{action.kind} of {action.target}" for action in actions]

    def _ideal_times(self) -> Mapping[str, IdealTime]:
        if self._injected is None:
            return {}
        pipeline = find_pipeline(self._drill.alert)
        return ideal_times(self._drill, pipeline, self._context.runtime.speed)

    def _chart(self) -> Chart | None:
        if self._injected is None:
            return None
        firing = self._times.get("firing")
        return chart_data.record(self._drill.alert, self._context, self._injected, firing)
