"""How many clients there are, second by second; `LOAD_SHAPE` names the shape."""

from __future__ import annotations

import os
import signal
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gevent
import yaml
from locust import LoadTestShape

PROFILES_FILE = Path(__file__).parent / "shapes.yml"
KINDS = ("normal", "heavy", "slow", "invalid")
SECONDS = {"s": 1, "m": 60, "h": 3600}
# A steady load starts all its clients within this time: soon, but not at once.
SPAWN_S = 2.0
# At the end the requests in flight have this time to finish: less than a person waits for a
# program to end, more than a request takes on a healthy stack.
STOP_TIMEOUT_S = 1

Stage = tuple[int, float]


class ShapeError(Exception):
    """There is no such shape."""


class Profile(NamedTuple):
    """A load of shapes.yml: `users` at most, for `duration` seconds.

    `clients` are points of (share of the time, share of the users), in order of time; `mix` has how
    many are normal, heavy, slow and invalid.
    """

    name: str
    users: int
    duration: float
    clients: Sequence[tuple[float, float]]
    mix: Sequence[int]

    @property
    def flat(self) -> bool:
        """Say whether there are as many clients all the time."""
        return len({users for _, users in self.clients}) == 1

    def share(self, time: float) -> float:
        """Return the share of the users at a share of the time; at a step, the later one's."""
        before = max(at for at, (begin, _) in enumerate(self.clients) if begin <= time)
        if before == len(self.clients) - 1:
            return self.clients[before][1]
        (begin, low), (end, high) = self.clients[before : before + 2]
        return low + (high - low) * (time - begin) / (end - begin)


class Shape(LoadTestShape):
    """A load that goes as its profile says, for `--run-time` or else the profile's own time.

    A profile of one number alone has no end unless it is given one.
    """

    abstract = True
    use_common_options = True
    profile: Profile

    def tick(self) -> Stage | None:
        """Return how many clients there shall be now, and how many come a second; None to end."""
        options = self.runner.environment.parsed_options
        lasts = options.run_time or self.profile.duration
        if self.get_run_time() >= lasts and (options.run_time or not self.profile.flat):
            return None
        now = self.profile.share(min(1.0, self.get_run_time() / lasts))
        return max(1, round(options.num_users * now)), options.num_users / SPAWN_S


def _profiles() -> Iterator[Profile]:
    for name, read in yaml.safe_load(PROFILES_FILE.read_text(encoding="utf-8")).items():
        lasts = float(read["duration"][:-1]) * SECONDS[read["duration"][-1]]
        points = [(at, share) for at, share in read["clients"]]
        mix = [read["mix"].get(kind, 0) for kind in KINDS]
        yield Profile(name, read["users"], lasts, points, mix)


def _shape(profile: Profile) -> type[Shape]:
    # Locust takes a class for one of its own unless this says so.
    return type(profile.name.title(), (Shape,), {"profile": profile, "abstract": False})


SHAPES: dict[str, type[Shape]] = {profile.name: _shape(profile) for profile in _profiles()}


def selected_shape(environment: Mapping[str, str]) -> type[Shape]:
    """Return the shape that `LOAD_SHAPE` names, `steady` without; raise `ShapeError`."""
    name = environment.get("LOAD_SHAPE") or "steady"
    if name not in SHAPES:
        raise ShapeError(f"LOAD_SHAPE is {name!r}: it takes {', '.join(SHAPES)}.")
    return SHAPES[name]


def set_defaults(parser: ArgumentParser, **_: Any) -> None:
    """Give Locust's options our values where they are not given."""
    users = selected_shape(os.environ).profile.users
    parser.set_defaults(num_users=users, stop_timeout=STOP_TIMEOUT_S)


def stop_on_sigterm(environment: Any, **_: Any) -> None:
    """End the load in order on SIGTERM; Locust itself hears it only once a shape is over."""
    gevent.signal_handler(signal.SIGTERM, environment.runner.quit)
