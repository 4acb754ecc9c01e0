"""Log lines on a terminal, and as JSON."""

from __future__ import annotations

import json
import time

from rich.console import Console
from rich.text import Text

from ..console import printable
from .record import LogRecord, format_time

LEVELS = {
    "DEBUG": "dim",
    "INFO": "green",
    "WARNING": "yellow",
    "ERROR": "red",
    "CRITICAL": "bold red",
}
# Fields with a fixed column; all others follow as name=value.
FIXED_FIELDS = (
    *("level", "instance", "service", "version", "logger"),
    *("exception_type", "exception_message", "exception_stack"),
)
# The message of an access line has the method and the path, and the trace id leads to the rest.
# `--json` shows all fields.
IN_ACCESS_MESSAGE = ("method", "path", "route", "span_id", "request_id", "client")
# Column widths: 10:20:30.456, node-exporter-1, the longest level.
TIME, NAME, LEVEL = 12, 15, 8


class LogConsole:
    """Prints records, with a line for each new day except today."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._day = format_time(time.time_ns() // 1_000_000)[:10]

    def show(self, entry: LogRecord) -> None:
        """Print a record as one line of any length."""
        day = (entry.timestamp or self._day)[:10]
        if day != self._day:
            self._console.print(day, style="dim")
        self._day = day
        self._console.print(render_record(entry), soft_wrap=True)


def as_json(entry: LogRecord) -> str:
    """Return a record as JSON that is safe for a terminal."""
    text = json.dumps(entry.as_dict(), ensure_ascii=False)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def render_record(entry: LogRecord) -> Text:
    """Return a record as styled text; an unstructured one stays as it is."""
    time = (entry.timestamp or "")[11:23]
    head = ((f"{time:<{TIME}} ", "dim"), (f"{printable(entry.instance):<{NAME}}  ", "cyan"))
    if entry.unstructured:
        return Text.assemble(*head, printable(entry.message))
    level = printable(entry.level)
    text = Text.assemble(
        *head,
        (f"{level:<{LEVEL}} ", LEVELS.get(level, "")),
        printable(entry.message),
        (_more(entry), "dim"),
    )
    for line in _stack(entry):
        text.append(f"\n    {printable(line)}", "dim red")
    return text


def _more(entry: LogRecord) -> str:
    hidden = FIXED_FIELDS + (IN_ACCESS_MESSAGE if entry.fields.get("logger") == "access" else ())
    more = [f"{name}={text}" for name, text in entry.ordered_fields() if name not in hidden]
    return f"  {printable(' '.join(more))}" if more else ""


def _stack(entry: LogRecord) -> list[str]:
    stack = entry.fields.get("exception_stack", "").rstrip("\n")
    # Not splitlines(), which also splits at rarer characters.
    return stack.split("\n") if stack else []
