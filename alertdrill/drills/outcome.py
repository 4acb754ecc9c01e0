"""What comes out of a run of drills; the reports are made from nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

# `deviated`: the steady state did not come back. `aborted`: there was none to begin with.
# `skipped`: this stack lacks the parts that it is about.
Verdict = Literal["passed", "failed", "deviated", "aborted", "skipped"]
# What is no reason to fail a run.
FINE = ("passed", "skipped")
# In the order in which they are awaited.
PHASES = ("pending", "firing", "notified", "healed", "resolved")


@dataclass(frozen=True)
class Line:
    """One line of a chart: (seconds since 1970, value) pairs, oldest first."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """An alert's own expression, as its evaluator saw it during the drill.

    `expression` is the side of the comparison that moves and `comparison` its sign, such as `>`;
    both sides are drawn. Without a comparison there is no `threshold`.
    """

    expression: str
    comparison: str = ""
    threshold: str = ""
    values: Sequence[Line] = ()
    thresholds: Sequence[Line] = ()


@dataclass(frozen=True)
class Outcome:
    """How one drill went. Moments are seconds since 1970, durations seconds.

    `times` has, for each phase that was reached, the seconds since the fault began; for
    `resolved`, since it was `over`. `limits` has the most that each phase may take. `least` is
    the theoretical least time to firing, `least_notified` to the notification; both are None
    where the alert is not one that begins to fire.
    """

    alert: str
    says: str
    fault: str
    severity: str
    verdict: Verdict
    reason: str
    began: float
    injected: float | None = None
    removed: float | None = None
    # When what it broke was mended: by the responder while it was on, else as it was removed.
    over: float | None = None
    ended: float = 0.0
    times: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    # Who was to heal it, one of the drill's HEALINGS, and what the responder did, each in words.
    heal: str = "none"
    actions: Sequence[str] = ()
    least: float | None = None
    least_notified: float | None = None
    # Why the ratio may be over 2, in the drill's own words.
    excuse: str = ""
    # Whether the past before the fault was made up.
    history: bool = False
    # The runbook's queries that were run while the fault was on, and those that could not be.
    queries: int = 0
    queries_left_out: str = ""
    chart: Chart | None = None

    @property
    def ratio(self) -> float | None:
        """Return the time to firing over the theoretical least."""
        fired = self.times.get("firing")
        return fired / self.least if fired is not None and self.least else None


@dataclass(frozen=True)
class Report:
    """A whole run: where and how fast, what came out of each drill, and what is worth saying."""

    began: float
    ended: float
    speed: float
    runtime: str
    # In words: the stack that was up, or one of the run's own.
    stack: str
    outcomes: Sequence[Outcome]
    # Sentences, such as that an earlier run was cut off and was cleaned up after.
    notes: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Say whether there were drills and all of them passed, but for those that were skipped."""
        return bool(self.outcomes) and all(found.verdict in FINE for found in self.outcomes)
