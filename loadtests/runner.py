"""Hooks of a load's runner: its warm-up, its end, and the workers of a distributed load."""

from __future__ import annotations

import os
import signal
from typing import Any

import gevent
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner

# Each worker has a second to finish its requests (profiles.py), and longer on few cores.
TIMEOUT_S = 15.0
POLL_INTERVAL_S = 0.05


def silence_worker(environment: Environment, **_: Any) -> None:
    """Keep a worker from printing its own statistics as JSON."""
    if isinstance(environment.runner, WorkerRunner) and environment.parsed_options:
        environment.parsed_options.json = False


def wait_for_workers(environment: Environment, **_: Any) -> None:
    """Let a master end only after every worker has sent its last statistics.

    Locust's master waits for half a second, which is too short for requests in flight.
    """
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        return
    quit_now, is_quitting = runner.quit, False

    def quit_last() -> None:
        nonlocal is_quitting
        if is_quitting:  # the exit of the last worker calls it again
            return
        is_quitting = True
        runner.stop(send_stop_to_client=False)
        for worker in runner.clients.all:
            runner.server.send_to_client(Message("quit", None, worker.id))
        with gevent.Timeout(TIMEOUT_S, False):
            while runner.clients.all:
                gevent.sleep(POLL_INTERVAL_S)
        quit_now()

    runner.quit = quit_last


def reset_stats(environment: Environment, **_: Any) -> None:
    """Discard the statistics of the first `LOAD_WARMUP` seconds, in which clients connect."""
    seconds, runner = float(os.environ.get("LOAD_WARMUP") or 0), environment.runner
    if runner is None or isinstance(runner, WorkerRunner) or not seconds:
        return
    environment.events.test_start.add_listener(
        lambda **_: gevent.spawn_later(seconds, runner.stats.reset_all)
    )


def stop_on_sigterm(environment: Any, **_: Any) -> None:
    """Quit gracefully on SIGTERM; Locust itself handles it only after the shape's end."""
    gevent.signal_handler(signal.SIGTERM, environment.runner.quit)
