"""A stack that has lived through something: a load, errors, and an instance that was healed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import requests

from firedrill.settings import ROOT, StackSettings
from tests.stack.driver import Stack, poll_until
from tests.stack.strike import failing

# At speed 1 an alert takes a minute and a half to fire, and what hangs two to be healed.
PATIENCE = 200.0
# More than a test takes; it is ended before.
LOAD = ("load", "steady", "--users", "6", "--for", "30m")


def of_rehearsal(settings: StackSettings) -> Stack:
    """Return a native stack of a test's own as its command line sees it."""
    ports = {f"{name.upper()}_PORT": str(port) for name, port in asdict(settings.ports).items()}
    own = {"FIREDRILL_HOME": str(settings.home), "RUNTIME": "native", "COLUMNS": "200"}
    return Stack({**os.environ, **ports, **own}, settings.home)


@contextmanager
def under_load(stack: Stack, folder: Path) -> Iterator[None]:
    """Have normal clients ask while the block lasts."""
    with (folder / "load.log").open("w") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "firedrill", *LOAD],
            cwd=ROOT,
            env=stack.environment,
            stdout=log,
            stderr=log,
        )
        try:
            poll_until(lambda: stack.total("sum(locust_requests_total)") > 0, "a load", 60)
            yield
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(60)


def break_and_heal(stack: Stack) -> None:
    """Have `web` fail until that is told of, and an instance hang until it is restarted."""
    with failing(stack, "web", 0.3):
        told = {"alert": "WebHighErrorRate", "status": "firing"}
        poll_until(lambda: stack.notifications(**told), "WebHighErrorRate", PATIENCE)
    stack.firedrill("pause", "web-2")
    poll_until(lambda: restarts(stack), "web-2 to be restarted", PATIENCE)
    told = {"alert": "WebHighErrorRate", "status": "resolved"}
    poll_until(lambda: stack.notifications(**told), "the end of WebHighErrorRate", PATIENCE)


def restarts(stack: Stack) -> list[dict[str, Any]]:
    """Return the restarts that the responder has done."""
    found = requests.get(stack.url("responder", "/actions"), timeout=5).json()
    return [one for one in found if (one["kind"], one["state"]) == ("restart", "done")]
