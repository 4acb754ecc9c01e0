"""The load profiles of loadtests/profiles.yml: the shape of each load and its objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import yaml

from ..config import ROOT
from ..config.durations import parse_seconds
from ..errors import AlertdrillError


class LoadError(AlertdrillError):
    """The load does not exist, or it could not run or be measured."""


SHAPES = ROOT / "loadtests" / "profiles.yml"


@dataclass(frozen=True)
class Objectives:
    """The objectives: `p95` in seconds, `errors` and `requests` as ratios.

    `requests` is relative to clients that send once a second and get immediate responses.
    """

    p95: float
    errors: float
    requests: float


@dataclass(frozen=True)
class Recovery:
    """At the peak, p95 must return below a limit within `deadline` seconds.

    At the end of the load the services are back at their minimum.
    """

    p95: float
    deadline: float


@dataclass(frozen=True)
class CapacitySearch:
    """The precision of the capacity search, as a ratio, and its maximum of users."""

    resolution: float
    max_users: int


@dataclass(frozen=True)
class LoadSize:
    """The maximum number of clients, and the duration in seconds."""

    users: int
    seconds: float


@dataclass(frozen=True)
class LoadProfile:
    """A load profile: the default `users` (maximum) and `duration` in seconds.

    `service` is the one that answers the clients. `clients` are points of (fraction of the time,
    fraction of the users), in order of time. The first `warmup` seconds are not counted.
    `scaled_with_speed` divides the durations by the speed.
    """

    name: str
    description: str
    service: str
    users: int
    duration: float
    clients: Sequence[tuple[float, float]]
    objectives: Objectives
    scaled_with_speed: bool = False
    warmup: float = 0.0
    recovery: Recovery | None = None
    search: CapacitySearch | None = None

    def at(self, speed: float) -> LoadProfile:
        """Return the profile for a stack with this speed."""
        if not self.scaled_with_speed:
            return self
        recovery = self.recovery and replace(self.recovery, deadline=self.recovery.deadline / speed)
        return replace(self, duration=self.duration / speed, recovery=recovery)

    def peak(self, begin: float, seconds: float) -> tuple[float, float]:
        """Return begin and end of the peak of a load that starts at `begin`."""
        full = [at for at, fraction in self.clients if fraction == 1]
        return begin + full[0] * seconds, begin + full[-1] * seconds

    def expected_requests(self, users: int, seconds: float) -> float:
        """Return the expected requests: the area under the line of clients."""
        area = sum(
            (end - begin) * (low + high) / 2 for (begin, low), (end, high) in pairwise(self.clients)
        )
        return area * users * seconds


def load_profiles() -> Mapping[str, LoadProfile]:
    """Return all load profiles by name."""
    profiles = yaml.safe_load(SHAPES.read_text(encoding="utf-8"))
    return {name: _parse_profile(name, entry) for name, entry in profiles.items()}


def load_profile(name: str) -> LoadProfile:
    """Return a load profile; raise `LoadError` with the known names otherwise."""
    profiles = load_profiles()
    if name not in profiles:
        raise LoadError(f"no load named {name!r}: known loads are {', '.join(profiles)}")
    return profiles[name]


def _parse_profile(name: str, entry: Mapping[str, Any]) -> LoadProfile:
    objectives = entry["objectives"]
    return LoadProfile(
        name,
        entry["description"],
        entry["service"],
        entry["users"],
        parse_seconds(entry["duration"]),
        [(at, fraction) for at, fraction in entry["clients"]],
        Objectives(parse_seconds(objectives["p95"]), objectives["errors"], objectives["requests"]),
        entry.get("scaled_with_speed", False),
        parse_seconds(entry.get("warmup", "0s")),
        _parse_recovery(entry["recovery"]) if "recovery" in entry else None,
        CapacitySearch(**entry["search"]) if "search" in entry else None,
    )


def _parse_recovery(entry: Mapping[str, str]) -> Recovery:
    return Recovery(parse_seconds(entry["p95"]), parse_seconds(entry["deadline"]))
