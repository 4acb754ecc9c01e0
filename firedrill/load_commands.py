"""`firedrill load`: traffic through the load balancer, as users make it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import click

from . import settings
from .errors import FiredrillError
from .runtimes import choose
from .runtimes.compose.hands import Hands
from .runtimes.compose.places import Inside
from .runtimes.compose.runtime import ComposeRuntime

LOCUSTFILE = "loadtests/locustfile.py"


@click.command()
@click.argument("shape", default="steady")
@click.option("--users", default=24, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--for", "duration", default="1m", show_default=True, help="How long, such as 90s.")
def load(shape: str, users: int, duration: str) -> None:
    """Make load of a SHAPE on the stack that is up; exit 1 if a request failed."""
    current = settings.current()
    runtime = choose(current, lambda _: None)
    if not runtime.status():
        raise FiredrillError("The stack is down: start it with `make up`.")
    options = ["--headless", "--users", str(users), "--run-time", duration, "--only-summary"]
    if isinstance(runtime, ComposeRuntime):
        # From inside, so that it works on any host.
        words = _locust("python", Inside(current).address("lb"), options)
        hands = Hands(current)
        command = hands.compose.line(
            *("run", "--rm", "--no-deps", "--no-TTY", "--env", f"LOAD_SHAPE={shape}"),
            *("locust-worker", *words),
            profiles=["load"],
        )
        environment = hands.compose.environment()
    else:
        host = runtime.addresses()["Services"].rstrip("/")
        command = _locust(sys.executable, host, options)
        environment = {**os.environ, "LOAD_SHAPE": shape}
    sys.exit(subprocess.call(command, cwd=settings.ROOT, env=environment))  # noqa: S603 - our own


def _locust(python: str, host: str, options: Sequence[str]) -> list[str]:
    return [python, "-m", "locust", "-f", LOCUSTFILE, "--host", host, *options]
