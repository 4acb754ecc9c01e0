"""Read loadtests/shapes.yml: how each load goes, and what has to hold for it to be passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import yaml

from ..drills.clients import parse_duration
from ..settings import ROOT
from .errors import LoadError

SHAPES = ROOT / "loadtests" / "shapes.yml"


@dataclass(frozen=True)
class Objectives:
    """What has to hold: `p95` in seconds, `errors` and `requests` as shares of requests.

    `requests` is of those that the clients send who ask once a second and are answered at once.
    """

    p95: float
    errors: float
    requests: float


@dataclass(frozen=True)
class Recovery:
    """While all clients are there, p95 is under its limit again within a time, in seconds.

    At the end of the load the services are back at their minimum.
    """

    p95: float
    deadline: float


@dataclass(frozen=True)
class CapacitySearch:
    """How close to look for the capacity, as a share of it, and with how many users at most."""

    resolution: float
    max_users: int


@dataclass(frozen=True)
class LoadProfile:
    """A load: `users` at most, for `lasts` seconds, unless it is told otherwise.

    `clients` are points of (share of the time, share of the users), in order of time. The first
    `warmup` seconds are not counted. One that waits for alerts has its durations at speed 1.
    """

    name: str
    description: str
    users: int
    duration: float
    clients: Sequence[tuple[float, float]]
    objectives: Objectives
    scaled_with_speed: bool = False
    warmup: float = 0.0
    recovery: Recovery | None = None
    search: CapacitySearch | None = None

    def at(self, speed: float) -> LoadProfile:
        """Return the plan for a stack at some speed."""
        if not self.scaled_with_speed:
            return self
        recovers = self.recovery and replace(self.recovery, deadline=self.recovery.deadline / speed)
        return replace(self, duration=self.duration / speed, recovery=recovers)

    def peak(self, begin: float, seconds: float) -> tuple[float, float]:
        """Return from when to when all clients are there, in a load that begins then."""
        full = [at for at, share in self.clients if share == 1]
        return begin + full[0] * seconds, begin + full[-1] * seconds

    def expected_requests(self, users: int, seconds: float) -> float:
        """Return how many requests so many users make in so long: the area below their line."""
        area = sum(
            (end - begin) * (low + high) / 2 for (begin, low), (end, high) in pairwise(self.clients)
        )
        return area * users * seconds


def load_profiles() -> Mapping[str, LoadProfile]:
    """Return every load by its name."""
    read = yaml.safe_load(SHAPES.read_text(encoding="utf-8"))
    return {name: _plan(name, found) for name, found in read.items()}


def load_profile(name: str) -> LoadProfile:
    """Return a load; raise `LoadError`, which lists them, where there is none of this name."""
    found = load_profiles()
    if name not in found:
        raise LoadError(f"There is no load {name!r}: there are {', '.join(found)}.")
    return found[name]


def _plan(name: str, found: Mapping[str, Any]) -> LoadProfile:
    objectives = found["objectives"]
    return LoadProfile(
        name,
        found["description"],
        found["users"],
        parse_duration(found["duration"]),
        [(at, share) for at, share in found["clients"]],
        Objectives(parse_duration(objectives["p95"]), objectives["errors"], objectives["requests"]),
        found.get("scaled_with_speed", False),
        parse_duration(found.get("warmup", "")),
        _recovery(found["recovery"]) if "recovery" in found else None,
        CapacitySearch(**found["search"]) if "search" in found else None,
    )


def _recovery(found: Mapping[str, str]) -> Recovery:
    return Recovery(parse_duration(found["p95"]), parse_duration(found["deadline"]))
