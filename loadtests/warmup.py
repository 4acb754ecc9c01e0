"""Forget what the first seconds of a load counted: connections are made then, and clients come."""

from __future__ import annotations

import os
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import WorkerRunner


def reset_stats(environment: Environment, **_: Any) -> None:
    """Count from `LOAD_WARMUP` seconds after the start on; from the start where it is not set."""
    seconds, runner = float(os.environ.get("LOAD_WARMUP") or 0), environment.runner
    if runner is None or isinstance(runner, WorkerRunner) or not seconds:
        return
    environment.events.test_start.add_listener(
        lambda **_: gevent.spawn_later(seconds, runner.stats.reset_all)
    )
