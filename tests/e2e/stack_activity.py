"""A stack that has lived through something: a load, a drill that was healed, and errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import requests

from alertdrill import stored
from alertdrill.settings import ROOT, StackSettings
from tests.e2e.request_faults import failing
from tests.e2e.stack import Stack, poll_until

# At speed 1 an alert takes a minute and a half to fire, and a drill four.
PATIENCE = 300.0
# More than a test takes; it is ended before.
LOAD = ("load", "steady", "--users", "6", "--for", "30m")


def of_rehearsal(settings: StackSettings) -> Stack:
    """Return a native stack of a test's own as its command line sees it."""
    ports = {f"{name.upper()}_PORT": str(port) for name, port in asdict(settings.ports).items()}
    own = {"ALERTDRILL_HOME": str(settings.home), "RUNTIME": "native", "COLUMNS": "200"}
    return Stack({**os.environ, **ports, **own}, settings.home)


def rehearsed(settings: StackSettings) -> Sequence[str]:
    """Return the command line of such a stack, which has its speed and is to stay up."""
    file = settings.home / "settings.json"
    file.write_text(stored.written(replace(settings, rehearsal=False)))
    return ("tests.e2e.compressed_cli", str(settings.home))


@contextmanager
def under_load(stack: Stack, folder: Path) -> Iterator[None]:
    """Have normal clients ask while the block lasts."""
    with (folder / "load.log").open("w") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "alertdrill", *LOAD],
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


def drill(stack: Stack, *command: str) -> None:
    """Have an instance hang in a drill on a stack that is up, until it is restarted."""
    made = subprocess.run(
        [sys.executable, "-m", *command, "drill", "run", "InstanceHung", "--current-stack"],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    told, *_ = requests.get(stack.url("responder", "/drills"), timeout=5).json()
    assert (told["alert"], told["verdict"]) == ("InstanceHung", "passed")


def fail(stack: Stack) -> None:
    """Have `web` fail until that is told of, and see it over."""
    with failing(stack, "web", 0.3):
        told = {"alert": "WebHighErrorRate", "status": "firing"}
        poll_until(lambda: stack.notifications(**told), "WebHighErrorRate", PATIENCE)
    told = {"alert": "WebHighErrorRate", "status": "resolved"}
    poll_until(lambda: stack.notifications(**told), "the end of WebHighErrorRate", PATIENCE)
