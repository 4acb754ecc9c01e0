"""How things look on a terminal. A state is a word and a sign before it is a colour."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich import markup
from rich.table import Table
from rich.text import Text

from .runtimes import Instance

__all__ = ["addresses", "escape", "instances", "log_line"]

SIGNS = {
    "ready": ("●", "green"),
    "standby": ("○", "dim"),
    "starting": ("◐", "yellow"),
    "unready": ("▲", "yellow"),
    "paused": ("‖", "yellow"),
    "stopped": ("■", "red"),
    "failed": ("✗", "bold red"),
}
LEVELS = {"DEBUG": "dim", "INFO": "green", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
# What a line shows by itself; all else it has follows as name=value.
SHOWN = ("timestamp", "level", "message", "instance", "service", "version", "logger", "exception")
# On access lines the message has the method and the path already, and the trace leads to the
# rest; `--json` shows everything.
SAID_ON_ACCESS = ("method", "path", "route", "span_id", "request_id", "client")


def escape(text: str) -> str:
    """Return a sentence for the console as it is: no markup, no control characters."""
    return markup.escape(_printable(text))


def addresses(found: Mapping[str, str]) -> Table:
    """Return the table of addresses."""
    table = Table("What", "Address", box=None, pad_edge=False)
    for title, address in found.items():
        table.add_row(title, address)
    return table


def instances(found: Sequence[Instance]) -> Table:
    """Return the table of instances."""
    table = Table("Instance", "State", "Address", "Pid", "Up", box=None, pad_edge=False)
    for instance in found:
        sign, style = SIGNS[instance.state]
        table.add_row(
            instance.name,
            Text(f"{sign} {instance.state}", style=style),
            instance.address,
            str(instance.pid or ""),
            _duration(instance.uptime_seconds),
        )
    return table


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def log_line(name: str, line: str) -> Text:
    """Return one log line for a person; a line that is not of the contract stays as it is."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):  # the latter from a thousand brackets
        fields = None
    if not isinstance(fields, dict) or "message" not in fields:
        return Text.assemble((f"{name}  ", "cyan"), _printable(line))
    return _contract_line(name, fields)


def _contract_line(name: str, fields: Mapping[str, Any]) -> Text:
    level = _printable(str(fields.get("level", "")))
    time = _printable(str(fields.get("timestamp", ""))[11:23])
    hidden = SHOWN + (SAID_ON_ACCESS if fields.get("logger") == "access" else ())
    more = [
        f"{key}={value}" for key, value in fields.items() if key not in hidden and value is not None
    ]
    text = Text.assemble(
        (f"{time} ", "dim"),
        (f"{name}  ", "cyan"),
        (f"{level:<8}", LEVELS.get(level, "")),
        _printable(str(fields["message"])),
        (f"  {_printable(' '.join(more))}", "dim"),
    )
    exception = fields.get("exception")
    if isinstance(exception, dict) and "stack" in exception:
        stack = str(exception["stack"]).splitlines()
        text.append("\n" + "\n".join(_printable(part) for part in stack))
    return text


def _printable(text: str) -> str:
    """Show control characters instead of sending them to the terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
