"""How much may be done, and how soon again; alerting/policy.yml has the numbers and reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Limits:
    """Times are in seconds.

    `budget`: actions within a `window`; one more opens the circuit. `cool_down`: from a restart of
    an instance to its next; each further one within the window waits `back_off` times longer, up
    to `longest`. `settle_out` and `settle_in`: from one change of a service's scale to the next
    instance that is started, or stopped. `patience`: for how long a notification is taken at its
    word while Alertmanager can't be asked whether it still fires, and for how long one is waited
    for of what Alertmanager holds.
    """

    budget: int
    window: float
    cool_down: float
    back_off: float
    longest: float
    settle_out: float
    settle_in: float
    patience: float

    def wait(self, earlier: int) -> float:
        """Return how long to wait after the last of so many restarts of the same instance."""
        return min(self.longest, self.cool_down * self.back_off ** max(0, earlier - 1))

    def at(self, speed: float) -> Limits:
        """Return the same at a rehearsal speed, which divides every duration."""
        durations = ("window", "cool_down", "longest", "settle_out", "settle_in", "patience")
        return replace(self, **{name: getattr(self, name) / speed for name in durations})
