"""Log lines in the form that all programs of the stack share, for the keeper."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime

import click

from ... import VERSION


def say(level: str, message: str) -> None:
    """Write one line to stdout."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {
        "timestamp": now,
        "level": level,
        "logger": "keeper",
        "message": message,
        "service": "keeper",
        "instance": os.environ.get("INSTANCE") or socket.gethostname(),
        "version": VERSION,
        "trace_id": None,
        "span_id": None,
        "request_id": None,
    }
    click.echo(json.dumps(line))
