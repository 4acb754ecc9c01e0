"""Activity that gives every panel data: a load, a drill with healing, and errors."""

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

from alertdrill.config import ROOT
from alertdrill.config.settings import StackSettings
from tests.e2e.request_faults import failing
from tests.e2e.stack import Stack, poll_until

# At speed 1 an alert takes a minute and a half to fire, and a drill four.
TIMEOUT_S = 300.0
# Longer than any test; the load is stopped before.
LOAD = ("load", "steady", "--users", "6", "--for", "30m")


def as_stack(settings: StackSettings) -> Stack:
    """Return a native stack with these settings."""
    ports = {f"{name.upper()}_PORT": str(port) for name, port in asdict(settings.ports).items()}
    own = {"ALERTDRILL_HOME": str(settings.home), "RUNTIME": "native", "COLUMNS": "200"}
    return Stack({**os.environ, **ports, **own}, settings.home)


def compressed_cli(settings: StackSettings) -> Sequence[str]:
    """Return the module and home that run commands on such a stack at its speed."""
    file = settings.home / "settings.json"
    file.write_text(replace(settings, ephemeral=False).to_json())
    return ("tests.e2e.compressed_cli", str(settings.home))


@contextmanager
def under_load(stack: Stack, folder: Path) -> Iterator[None]:
    """Send steady load while the block lasts."""
    with (folder / "load.log").open("w") as log:
        running = stack.start(*LOAD, stdout=log, stderr=log)
        try:
            poll_until(lambda: stack.total("sum(locust_requests_total)") > 0, "a load", 60)
            yield
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(60)


def drill(stack: Stack, *command: str) -> None:
    """Run the drill InstanceHung on a stack that is up: an instance hangs and is restarted."""
    completed = subprocess.run(
        [sys.executable, "-m", *command, "drill", "run", "InstanceHung", "--current-stack"],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    result, *_ = requests.get(stack.url("responder", "/drills"), timeout=5).json()
    assert (result["alert"], result["verdict"]) == ("InstanceHung", "passed")


def fire_error_rate(stack: Stack) -> None:
    """Make `web` fail until WebHighErrorRate is notified, and wait until it is resolved."""
    with failing(stack, "web", 0.3):
        firing = {"alert": "WebHighErrorRate", "status": "firing"}
        poll_until(lambda: stack.notifications(**firing), "WebHighErrorRate", TIMEOUT_S)
    resolved = {"alert": "WebHighErrorRate", "status": "resolved"}
    poll_until(lambda: stack.notifications(**resolved), "the end of WebHighErrorRate", TIMEOUT_S)
