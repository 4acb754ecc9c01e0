"""Load shapes: the number of clients over time; `LOAD_SHAPE` selects the shape."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from locust import LoadTestShape
from locust.util.timespan import parse_timespan

PROFILES_FILE = Path(__file__).parent / "profiles.yml"
KINDS = ("normal", "heavy", "slow", "invalid")
# A steady load starts all its clients within this time: soon, but not at once.
SPAWN_S = 2.0
# At the end the requests in flight have this time to finish: less than a person waits for a
# program to end, more than a request takes on a healthy stack.
STOP_TIMEOUT_S = 1

Stage = tuple[int, float]


class ShapeError(Exception):
    """The shape does not exist."""


class Profile(NamedTuple):
    """A load of profiles.yml: the maximum number of `users`, and the `duration` in seconds.

    `clients` are points of (fraction of the duration, fraction of the users), in order of time.
    `mix` has the weights of normal, heavy, slow and invalid clients. With `requests` none of these
    runs, but clients that send these requests, each with its path, method, json and headers.
    """

    name: str
    users: int
    duration: float
    clients: Sequence[tuple[float, float]]
    mix: Sequence[int]
    requests: Sequence[Mapping[str, Any]] = ()

    @property
    def flat(self) -> bool:
        """Return whether the number of clients is constant."""
        return len({users for _, users in self.clients}) == 1

    def user_fraction(self, time: float) -> float:
        """Return the fraction of the users at a fraction of the duration; at a step, the later."""
        index = max(index for index, (begin, _) in enumerate(self.clients) if begin <= time)
        if index == len(self.clients) - 1:
            return self.clients[index][1]
        (begin, low), (end, high) = self.clients[index : index + 2]
        return low + (high - low) * (time - begin) / (end - begin)


class Shape(LoadTestShape):
    """A load with the shape of its profile, for `--run-time` or else the profile's duration.

    A flat profile without `--run-time` has no end.
    """

    abstract = True
    use_common_options = True
    profile: Profile

    def tick(self) -> Stage | None:
        """Return the number of clients now, and the spawn rate per second; None at the end."""
        options = self.runner.environment.parsed_options
        duration = options.run_time or self.profile.duration
        if self.get_run_time() >= duration and (options.run_time or not self.profile.flat):
            return None
        fraction = self.profile.user_fraction(min(1.0, self.get_run_time() / duration))
        return max(1, round(options.num_users * fraction)), options.num_users / SPAWN_S


def _profiles() -> Iterator[Profile]:
    for name, entry in yaml.safe_load(PROFILES_FILE.read_text(encoding="utf-8")).items():
        duration = float(parse_timespan(entry["duration"]))
        points = [(at, fraction) for at, fraction in entry["clients"]]
        mix = [entry.get("mix", {}).get(kind, 0) for kind in KINDS]
        yield Profile(name, entry["users"], duration, points, mix, entry.get("requests", ()))


SHAPES: dict[str, type[Shape]] = {
    # Locust ignores shape classes with `abstract`.
    profile.name: type(profile.name.title(), (Shape,), {"profile": profile, "abstract": False})
    for profile in _profiles()
}


def selected_shape(environment: Mapping[str, str]) -> type[Shape]:
    """Return the shape of `LOAD_SHAPE`, by default `steady`; raise `ShapeError`."""
    name = environment.get("LOAD_SHAPE") or "steady"
    if name not in SHAPES:
        raise ShapeError(f"LOAD_SHAPE is {name!r}: use one of {', '.join(SHAPES)}.")
    return SHAPES[name]


def set_defaults(parser: ArgumentParser, **_: Any) -> None:
    """Set the defaults of Locust's options."""
    users = selected_shape(os.environ).profile.users
    parser.set_defaults(num_users=users, stop_timeout=STOP_TIMEOUT_S)
