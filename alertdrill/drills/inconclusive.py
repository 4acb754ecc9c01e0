"""Decide whether a failed drill proves that its rule is wrong, or this machine was too busy.

The evidence is a measurement. The machine must have been busy, and either the fault did not do what
it should, or the alert pipeline lost more time than the deadline allows. A busy machine alone does
not make a drill inconclusive.
"""

from __future__ import annotations

from ..clients.http import UnreachableError
from . import diagnose
from .context import DrillContext
from .expression import is_log_alert
from .faults import Effect, Fault
from .ideal_times import find_pipeline
from .machine import MachineMonitor, MachineUse
from .model import GRACE_S, Drill, DrillError
from .pipeline_delay import PipelineCounts, PipelineDelay, delay, read_counts
from .result import DrillResult

# The deviation of a steady state that other programs prevent.
HOST_ALERT_FIRES = "HostCpuHigh is firing."
# Without these, nothing can be measured.
PIPELINE_COMPONENTS = ("prometheus", "loki")


class InconclusiveError(DrillError):
    """A drill proves nothing about its rule, as this machine was too busy."""


class MissedDeadline:
    """What a drill measures while it waits, to explain a missed deadline. Create it at the start.

    Without a `fault`, the deadline does not depend on one.
    """

    def __init__(self, drill: Drill, context: DrillContext, fault: Fault | None = None) -> None:
        self._drill, self._context, self._fault = drill, context, fault
        pipeline = find_pipeline(drill.alert)
        self._groups = pipeline.groups if pipeline else ()
        self._machine = MachineMonitor()
        self._counts = self._read_counts()

    def error(self, reason: str, slack: float, since: float = 0.0) -> DrillError:
        """Return the error of a deadline that was missed for a `reason`.

        `slack` is how many seconds the deadline allows for delays. If it depends on the effect of
        the fault, that is on since a time (seconds since 1970).
        """
        effect = self.effect(since)
        lost = self._delay()
        use = self._machine.use()
        host_alert = reason == HOST_ALERT_FIRES
        if explanation := explain(use, effect, lost, slack, host_alert=host_alert):
            # It names the rule as the cause.
            measured = reason.replace(diagnose.NO_EFFECT_OR_WRONG_RULE, ".")
            return InconclusiveError(f"This machine is too busy: {explanation} {measured}")
        if effect and not effect.reached:
            return DrillError(f"{reason} The fault reached only {effect}. The machine: {use}.")
        return DrillError(reason)

    def effect(self, since: float) -> Effect | None:
        """Return what the fault has achieved since a time; None if it can't be measured."""
        try:
            return self._fault.measure(since) if self._fault and since else None
        except (UnreachableError, OSError, ValueError):
            return None

    def _delay(self) -> PipelineDelay | None:
        now = self._read_counts()
        if self._counts is None or now is None:
            return None
        return delay(self._counts, now, self._groups, scraped=not is_log_alert(self._drill.alert))

    def _read_counts(self) -> PipelineCounts | None:
        fault = self._drill.fault
        if {fault.target.removesuffix("-1"), fault.component} & {*PIPELINE_COMPONENTS}:
            return None  # what it loses is the fault's effect
        return read_counts(self._context.prometheus, self._context.evaluator(self._drill.alert))


def explain(
    use: MachineUse,
    effect: Effect | None,
    lost: PipelineDelay | None,
    slack: float,
    *,
    host_alert: bool = False,
) -> str:
    """Return the evidence that the machine was too busy; empty without it. Pure.

    `host_alert` is whether only the alert about the host's processors prevents a steady state.
    """
    if not use.is_busy:
        return ""
    sentences = []
    if effect and not effect.reached:
        sentences.append(f"the fault reached only {effect}")
    if lost and lost.total > slack:
        sentences.append(f"{lost}, and the deadline allows for {slack:.1f} s")
    if host_alert:
        sentences.append("other programs make an alert about the host fire")
    return f"{'; '.join(sentences)} ({use})." if sentences else ""


def slack(result: DrillResult, phase: str) -> float:
    """Return how many seconds of a phase's deadline are for delays.

    Before the notification, that is what the slowest ideal time leaves of it.
    """
    ideal = result.ideal.get("firing" if phase == "pending" else phase)
    return max(GRACE_S, result.limits["notified"] - ideal.slowest) if ideal else GRACE_S
