"""The model of a drill. All durations are in seconds at speed 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Added to each deadline at any speed, for delays on two busy cores: a poll, an instance's start or
# a late scrape.
GRACE_S = 5.0
# The duration of an action at any speed: an instance drains for up to 12 s and starts within 10 s.
ACTION_S = 25.0
# The responder's actions.
ACTIONS = ("restart", "scale_out", "scale_in")
# What recovers the service: nothing, the supervisor of the instances, or an action.
HEAL_MODES = ("none", "supervisor", *ACTIONS)
DEFAULT_USERS = 24


def describe_healer(heal: str) -> str:
    """Return the component that heals, for one of HEAL_MODES; empty for `none`."""
    if heal == "none":
        return ""
    return "its supervisor" if heal == "supervisor" else "the responder"


@dataclass(frozen=True)
class FaultSpec:
    """A kind of fault, its target, and the parameters of its kind."""

    kind: str
    target: str = ""
    parameters: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def component(self) -> str:
        """Return the component whose configuration the fault breaks; empty if there is none."""
        return str(self.parameters.get("component", ""))

    def __str__(self) -> str:
        """Return a short text, such as `errors on data-service (probability 0.5)`."""
        values = [
            f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in self.parameters.items()
        ]
        target = f" on {self.target}" if self.target else ""
        return f"{self.kind}{target}" + (f" ({', '.join(values)})" if values else "")


@dataclass(frozen=True)
class LoadSpec:
    """The load during a drill. Without a shape there is no load."""

    shape: str | None = "steady"
    users: int = DEFAULT_USERS


@dataclass(frozen=True)
class Expectation:
    """What must happen. `notified` is `yes`, `late` or the name of another alert.

    `heal` is one of HEAL_MODES. An action of the responder must end before the fault is removed.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    notified: str = "yes"
    heal: str = "none"

    @property
    def replacement_alert(self) -> str | None:
        """Return the alert that must arrive instead of the drill's alert, or None."""
        return None if self.notified in ("yes", "late") else self.notified

    @property
    def needs_action(self) -> bool:
        """Return whether an action of the responder must recover the service."""
        return self.heal in ACTIONS

    @property
    def notified_late(self) -> bool:
        """Return whether the notification can arrive only after the fault."""
        return self.notified == "late"


@dataclass(frozen=True)
class SyntheticSeries:
    """Samples to backfill, from `start_value` to `end_value`, before the fault.

    They span `duration` seconds and end `offset` seconds before now, with one sample every `step`
    seconds. If `relative`, `series` is a selector, and the values are multiples of the current
    value of each series that it matches.
    """

    series: str
    duration: float
    step: float
    start_value: float
    end_value: float
    offset: float = 0.0
    relative: bool = False


@dataclass(frozen=True)
class Crossing:
    """How long the fault takes to bring the alert's expression over its threshold, in seconds.

    `before` and `during` are the levels of the expression without the fault, and with the fault in
    the whole window of the rule: its threshold then gives the time. If `during` is None, the time
    is from `fastest` to `slowest`, as far as one scrape shows it.
    """

    fastest: float = 0.0
    slowest: float = 0.0
    before: float = 0.0
    during: float | None = None


@dataclass(frozen=True)
class Drill:
    """A drill of one alert: the fault, the load, the expectations and their deadlines."""

    alert: str
    description: str
    fault: FaultSpec
    load: LoadSpec
    expect: Expectation
    detect: float
    resolve: float
    # From the notification to the end of the responder's action, without ACTION_S.
    heal: float = 0.0
    crossing: Crossing = Crossing()
    # The longest delay before the expression crosses its threshold that is the same at any speed.
    fixed_delay: float = 0.0
    backfill: Sequence[SyntheticSeries] = ()
    # Why firing may take over twice the slowest ideal time.
    note: str = ""

    def detect_limit(self, speed: float) -> float:
        """Return the maximum seconds from the fault to its notification."""
        return self.detect / speed + self.fixed_delay + GRACE_S

    def heal_limit(self, speed: float) -> float:
        """Return the maximum seconds from the fault to the recovery."""
        action = self.heal / speed + ACTION_S if self.expect.needs_action else 0.0
        return self.detect_limit(speed) + action

    def resolve_limit(self, speed: float) -> float:
        """Return the maximum seconds from the recovery to the resolved notification."""
        return self.resolve / speed + self.fixed_delay + GRACE_S
