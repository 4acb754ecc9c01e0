"""The Docker engine is killed and starts again: every container comes back without a person."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
import requests

from tests.e2e.stack import Stack, containers_only, poll_until

pytestmark = [pytest.mark.stack, containers_only]

# As systemd does: the engine fails as long as its predecessor, or that one's containerd, is there.
# An engine that is killed in turn (137) is started again by the test that kills it.
RESTART = 'while "$@"; [ $? = 1 ]; do sleep 1; done'
# It first kills the containers that its predecessor has left running.
ENGINE_TIMEOUT_S, READY_TIMEOUT_S = 90, 120


@pytest.fixture
def engine() -> psutil.Process:
    """Return the engine, if it was started for these tests."""
    pidfile = os.environ.get("ENGINE_PIDFILE", "")
    if not pidfile:
        pytest.skip("this Docker engine may have other users, so it is not killed")
    return psutil.Process(int(Path(pidfile).read_text()))


def ready(stack: Stack) -> set[str]:
    return {name for name, values in stack.instances().items() if values["state"] == "ready"}


def answers(stack: Stack) -> bool:
    try:
        return requests.get(stack.url("lb", "/"), timeout=5).ok
    except requests.ConnectionError:
        return False


def test_every_container_comes_back_after_the_engine(stack: Stack, engine: psutil.Process) -> None:
    before, command = ready(stack), engine.cmdline()
    log = Path(os.environ["ENGINE_PIDFILE"]).with_name("log")
    engine.send_signal(signal.SIGKILL)
    with log.open("a") as output:
        restart = ["setsid", "--fork", "sh", "-c", RESTART, "sh", *command]
        subprocess.run(restart, stdout=output, stderr=output, check=True)
    poll_until(lambda: answers(stack), "an answer of the services", ENGINE_TIMEOUT_S)
    poll_until(lambda: ready(stack) == before, "every container to be ready", READY_TIMEOUT_S)
    poll_until(stack.scrapes_everything, "every instance to be scraped again", 30)
