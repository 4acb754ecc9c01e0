"""The results of a run of drills, from which all reports are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..clients.prometheus import Line

# `deviated`: the steady state did not return. `aborted`: no steady state before the fault.
# `inconclusive`: this machine was too busy to judge the alert. `skipped`: the stack lacks a
# component that the drill requires.
Verdict = Literal["passed", "failed", "deviated", "aborted", "inconclusive", "skipped"]
# Each verdict has a sign and a word, so that colour is not the only information.
SIGNS = {
    "passed": "✓",
    "failed": "✗",
    "deviated": "▲",
    "aborted": "■",
    "inconclusive": "?",
    "skipped": "○",
}
# The verdicts that do not fail a run.
ACCEPTED_VERDICTS = ("passed", "skipped")
# In the order in which a drill awaits them.
DETECTION_PHASES = ("pending", "firing", "notified")
PHASES = (*DETECTION_PHASES, "healed", "resolved")


@dataclass(frozen=True)
class Chart:
    """The values of an alert's expression during the drill.

    `values` are those of the comparison's left side, `expression`. `thresholds` are those of its
    right side, `threshold`. Without a comparison there is no threshold.
    """

    expression: str
    comparison: str = ""
    threshold: str = ""
    values: Sequence[Line] = ()
    thresholds: Sequence[Line] = ()


@dataclass(frozen=True)
class IdealTime:
    """The seconds that an alert pipeline takes if it loses no time."""

    fastest: float
    expected: float
    slowest: float

    def __str__(self) -> str:
        """Return the three, such as `5.0 / 6.2 / 7.4`."""
        return f"{self.fastest:.1f} / {self.expected:.1f} / {self.slowest:.1f}"


@dataclass
class DrillResult:
    """The result of one drill, which its run completes.

    Times are seconds since 1970, durations are seconds.

    `times` has the duration from the fault to each phase; for `resolved`, from `recovered_at`.
    `limits` has the maximum of each phase. `ideal` has the ideal durations from the fault to
    `firing` and `notified`; none for an alert that does not start to fire.
    """

    alert: str
    description: str
    fault: str
    severity: str
    verdict: Verdict
    reason: str
    began: float
    injected: float | None = None
    removed: float | None = None
    # When the responder healed the service, else when the fault was removed.
    recovered_at: float | None = None
    ended: float = 0.0
    times: dict[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    # The expected healing, a `HealMode`, and the responder's actions as text.
    heal: str = "none"
    actions: Sequence[str] = ()
    ideal: Mapping[str, IdealTime] = field(default_factory=dict)
    # Why firing may take over twice the slowest ideal time.
    note: str = ""
    # Whether the samples before the fault are synthetic.
    backfilled: bool = False
    # What the fault achieved at the notification, as text; empty if it is not measurable.
    effect: str = ""
    # The number of runbook queries that returned data, and why others were skipped.
    queries: int = 0
    queries_skipped: str = ""
    chart: Chart | None = None

    @property
    def ratio(self) -> float | None:
        """Return the time to firing divided by the expected ideal time."""
        fired, ideal = self.times.get("firing"), self.ideal.get("firing")
        return None if fired is None or ideal is None else fired / ideal.expected

    @property
    def slow(self) -> bool:
        """Return whether firing took over twice the slowest ideal time."""
        fired, ideal = self.times.get("firing"), self.ideal.get("firing")
        return fired is not None and ideal is not None and fired > 2 * ideal.slowest


@dataclass(frozen=True)
class Report:
    """A whole run: its stack, its speed and the result of each drill."""

    began: float
    ended: float
    speed: float
    runtime: str
    # A text: the current stack, or an ephemeral one.
    stack: str
    results: Sequence[DrillResult]
    # Sentences, for example about the cleanup after an interrupted run.
    notes: Sequence[str] = ()

    @property
    def inconclusive(self) -> bool:
        """Return whether a drill was inconclusive, and no other one did not pass."""
        bad = {result.verdict for result in self.results} - {*ACCEPTED_VERDICTS}
        return bad == {"inconclusive"}

    @property
    def passed(self) -> bool:
        """Return whether there are results, and each of them passed or was skipped."""
        return bool(self.results) and all(
            result.verdict in ACCEPTED_VERDICTS for result in self.results
        )
