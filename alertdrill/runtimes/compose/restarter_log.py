"""Log lines in the form that all programs of the stack share, for the restarter."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from functools import cache

import click

from ...log_line import LogOrigin, format_line

# There are two; whoever wants more has names for as many as other services may have.
MAX_REPLICAS = 8


def log(level: str, message: str) -> None:
    """Write one line to stdout."""
    click.echo(format_line(LogOrigin("restarter", instance()), level, message, "restarter"))


@cache
def instance(resolve: Callable[[str], str] = socket.gethostbyname) -> str:
    """Return `restarter-2` in the second restarter: the name whose address is our own.

    The engine's name server knows each replica as PROJECT-SERVICE-NUMBER. Elsewhere INSTANCE says
    it, or the host's name has to do.
    """
    host = socket.gethostname()
    if told := os.environ.get("INSTANCE"):
        return told
    names = [f"restarter-{number}" for number in range(1, MAX_REPLICAS + 1)]
    project = os.environ.get("PROJECT", "alertdrill")
    for name in names:
        try:
            if resolve(f"{project}-{name}") == resolve(host):
                return name
        except OSError:  # no such replica
            continue
    return host
