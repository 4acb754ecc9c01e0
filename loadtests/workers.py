"""What is different with workers: their numbers are their master's to show, all of them."""

from __future__ import annotations

from typing import Any

import gevent
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner

# Each has a second to end its requests (shapes.py). Where there are many of them on few cores it
# takes a few more; who is silent for longer is lost.
TIMEOUT_S = 15.0
POLL_INTERVAL_S = 0.05


def silence_worker(environment: Environment, **_: Any) -> None:
    """Keep a worker from printing its own share as JSON, between its master's lines."""
    if isinstance(environment.runner, WorkerRunner) and environment.parsed_options:
        environment.parsed_options.json = False


def wait_for_workers(environment: Environment, **_: Any) -> None:
    """Have a master end only when each worker has told its last numbers and left.

    By itself it waits for half a second, which is less than a worker may take to end its requests.
    """
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        return
    leave, asked = runner.quit, False

    def quit_last() -> None:
        nonlocal asked
        if asked:  # the last worker's leaving asks for it, too
            return
        asked = True
        runner.stop(send_stop_to_client=False)
        for worker in runner.clients.all:
            runner.server.send_to_client(Message("quit", None, worker.id))
        with gevent.Timeout(TIMEOUT_S, False):
            while runner.clients.all:
                gevent.sleep(POLL_INTERVAL_S)
        leave()

    runner.quit = quit_last
