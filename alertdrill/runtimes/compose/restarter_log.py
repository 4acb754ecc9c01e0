"""Log lines of the restarter, in the format of all programs of the stack."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from functools import cache

import click

from ...log_format import LogOrigin, format_line

# Two by default; this many names are tried.
MAX_REPLICAS = 8


def log(level: str, message: str) -> None:
    """Write one line to stdout."""
    click.echo(format_line(LogOrigin("restarter", instance()), level, message, "restarter"))


@cache
def instance(resolve: Callable[[str], str] = socket.gethostbyname) -> str:
    """Return the instance's name, such as `restarter-2`, found by our own address.

    The engine's name server knows each replica as PROJECT-SERVICE-NUMBER. Elsewhere, INSTANCE or
    the host's name is used.
    """
    host = socket.gethostname()
    if configured := os.environ.get("INSTANCE"):
        return configured
    names = [f"restarter-{number}" for number in range(1, MAX_REPLICAS + 1)]
    project = os.environ.get("PROJECT", "alertdrill")
    for name in names:
        try:
            if resolve(f"{project}-{name}") == resolve(host):
                return name
        except OSError:  # no such replica
            continue
    return host
