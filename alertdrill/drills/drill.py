"""A drill as data. All durations are in seconds, at speed 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Beside the budgets, at any speed: for what two busy cores may hold up, such as a poll, the start
# of an instance or a scrape that came late.
GRACE = 5.0
# What acting takes at any speed: an instance drains for up to 12 s, and starts within 10.
ACTING = 25.0
# Who heals: nobody, the supervisor of the instances by itself, or the responder by an action.
ACTIONS = ("restart", "scale_out", "scale_in")
HEALINGS = ("none", "supervisor", *ACTIONS)
USERS = 24


def healer(heal: str) -> str:
    """Return in words who heals, for one of HEALINGS; nothing where nobody does."""
    if heal == "none":
        return ""
    return "its supervisor" if heal == "supervisor" else "the responder"


@dataclass(frozen=True)
class FaultSpec:
    """What is broken: a kind of fault, what it strikes, and the kind's own parameters."""

    kind: str
    target: str = ""
    parameters: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def part(self) -> str:
        """Return the part whose configuration it is about, if it is about one."""
        return str(self.parameters.get("component", ""))

    def __str__(self) -> str:
        """Say it in a few words, such as `errors on data-service (probability 0.5)`."""
        values = [
            f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in self.parameters.items()
        ]
        on = f" on {self.target}" if self.target else ""
        return f"{self.kind}{on}" + (f" ({', '.join(values)})" if values else "")


@dataclass(frozen=True)
class LoadSpec:
    """The traffic during a drill; no shape is no traffic."""

    shape: str | None = "steady"
    users: int = USERS


@dataclass(frozen=True)
class Expectation:
    """What must happen. `notified` is `yes`, `late` or the name of another alert.

    `heal` is one of HEALINGS. What the responder heals is over before the fault is undone.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    notified: str = "yes"
    heal: str = "none"

    @property
    def instead(self) -> str | None:
        """Return the alert that is to arrive instead of the drill's own."""
        return None if self.notified in ("yes", "late") else self.notified

    @property
    def acted_on(self) -> bool:
        """Say whether the responder is to act, and its action to mend what the fault broke."""
        return self.heal in ACTIONS

    @property
    def late(self) -> bool:
        """Say whether the notification can arrive only once the fault is over."""
        return self.notified == "late"


@dataclass(frozen=True)
class Past:
    """A line of made-up samples before the fault, from value `begin` to value `end`.

    It spans `over` seconds and ends `until` seconds before now, with a sample each `step`
    seconds. Where it is `relative`, `series` is a selector and the values are multiples of what
    each series that it finds has now.
    """

    series: str
    over: float
    step: float
    begin: float
    end: float
    until: float = 0.0
    relative: bool = False


@dataclass(frozen=True)
class Drill:
    """A fault, the traffic, and what must happen within which times, for one alert."""

    alert: str
    says: str
    fault: FaultSpec
    load: LoadSpec
    expect: Expectation
    detect: float
    resolve: float
    # From the notification to the end of the responder's action, beside ACTING.
    heal: float = 0.0
    # Until the expression is over its threshold, and what the world takes at any speed.
    window: float = 0.0
    world: float = 0.0
    history: Sequence[Past] = ()
    excuse: str = ""

    def limit_detect(self, speed: float) -> float:
        """Return the most seconds from the fault to its notification."""
        return self.detect / speed + self.world + GRACE

    def limit_heal(self, speed: float) -> float:
        """Return the most seconds from the fault to the end of what heals it."""
        acting = self.heal / speed + ACTING if self.expect.acted_on else 0.0
        return self.limit_detect(speed) + acting

    def limit_resolve(self, speed: float) -> float:
        """Return the most seconds from the fault's end, or its healing, to the resolved one."""
        return self.resolve / speed + self.world + GRACE
