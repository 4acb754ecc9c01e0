"""How many clients there are, second by second; `LOAD_SHAPE` names the shape."""

from __future__ import annotations

import signal
from abc import abstractmethod
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

import gevent
from locust import LoadTestShape

# Clients where `--users` is not given: 24 requests a second, which is what the rules take for
# normal and leaves two busy cores room.
USERS = 24
# Within so many seconds a steady load has all its clients: soon, yet not with one blow.
SPAWNING = 2.0
# At the end the requests under way have so many seconds to finish: less than a person waits for
# a program to end, more than a request takes where nothing is broken.
FINISHING = 1

Stage = tuple[int, float]


class ShapeError(Exception):
    """There is no such shape."""


class Shape(LoadTestShape):
    """A load that lasts for `--run-time`, or until it is stopped."""

    abstract = True
    use_common_options = True

    def tick(self) -> Stage | None:
        """Return how many clients there shall be now, and how many come a second; None to end."""
        options = self.runner.environment.parsed_options
        if options.run_time and self.get_run_time() >= options.run_time:
            return None
        return self.at(self.get_run_time(), options.num_users)

    @abstractmethod
    def at(self, seconds: float, users: int) -> Stage | None:
        """Return the same for so many seconds after the start, where `users` were asked for."""


class Steady(Shape):
    """The same number of clients all the time."""

    def at(self, seconds: float, users: int) -> Stage:  # noqa: ARG002 - it is always the same
        """Return all of them."""
        return users, users / SPAWNING


SHAPES: dict[str, type[Shape]] = {"steady": Steady}


def chosen(environment: Mapping[str, str]) -> type[Shape]:
    """Return the shape that `LOAD_SHAPE` names, `steady` without; raise `ShapeError`."""
    name = environment.get("LOAD_SHAPE") or "steady"
    if name not in SHAPES:
        raise ShapeError(f"LOAD_SHAPE is {name!r}: it takes {', '.join(SHAPES)}.")
    return SHAPES[name]


def set_defaults(parser: ArgumentParser, **_: Any) -> None:
    """Give Locust's options our values where they are not given."""
    parser.set_defaults(num_users=USERS, stop_timeout=FINISHING)


def stop_on_sigterm(environment: Any, **_: Any) -> None:
    """End the load in order on SIGTERM; Locust itself hears it only once a shape is over."""
    gevent.signal_handler(signal.SIGTERM, environment.runner.quit)
