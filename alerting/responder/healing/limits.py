"""How much may be done, and how soon again; alerting/policy.yml has the numbers and reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Limits:
    """Times are in seconds.

    `budget`: actions within a `window`; one more opens the circuit. `cooldown`: from a restart of
    an instance to its next; each further one within the window waits `backoff_factor` times
    longer, up to `max_cooldown`. `scale_out_stabilization` and `scale_in_stabilization`: from a
    change of a service's scale to the next one. `staleness`: how long a notification counts while
    Alertmanager does not answer, and how long an alert that Alertmanager has may go without one.
    """

    budget: int
    window: float
    cooldown: float
    backoff_factor: float
    max_cooldown: float
    scale_out_stabilization: float
    scale_in_stabilization: float
    staleness: float

    def wait(self, earlier: int) -> float:
        """Return how long to wait after the last of so many restarts of the same instance."""
        return min(self.max_cooldown, self.cooldown * self.backoff_factor ** max(0, earlier - 1))

    def at(self, speed: float) -> Limits:
        """Return the same at a rehearsal speed, which divides every duration."""
        durations = (
            "window",
            "cooldown",
            "max_cooldown",
            "scale_out_stabilization",
            "scale_in_stabilization",
            "staleness",
        )
        return replace(self, **{name: getattr(self, name) / speed for name in durations})
