"""Discard the statistics of the warm-up, in which clients start and connect."""

from __future__ import annotations

import os
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import WorkerRunner


def reset_stats(environment: Environment, **_: Any) -> None:
    """Reset the statistics `LOAD_WARMUP` seconds after the start, if that is set."""
    seconds, runner = float(os.environ.get("LOAD_WARMUP") or 0), environment.runner
    if runner is None or isinstance(runner, WorkerRunner) or not seconds:
        return
    environment.events.test_start.add_listener(
        lambda **_: gevent.spawn_later(seconds, runner.stats.reset_all)
    )
