"""How log lines look on a terminal, and as JSON."""

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
# What a line shows by itself; all else it has follows as name=value.
FIXED_FIELDS = (
    *("level", "instance", "service", "version", "logger"),
    *("exception_type", "exception_message", "exception_stack"),
)
# On access lines the message has the method and the path already, and the trace leads to the
# rest; `--json` shows everything.
IN_ACCESS_MESSAGE = ("method", "path", "route", "span_id", "request_id", "client")
# As wide as 10:20:30.456, as node-exporter-1, and as the longest level.
TIME, NAME, LEVEL = 12, 15, 8


class LogConsole:
    """Shows lines as they come, with a line for each new day; today needs none."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._day = format_time(time.time_ns() // 1_000_000)[:10]

    def show(self, entry: LogRecord) -> None:
        """Show a line, however long it is, as one."""
        day = (entry.timestamp or self._day)[:10]
        if day != self._day:
            self._console.print(day, style="dim")
        self._day = day
        self._console.print(render_record(entry), soft_wrap=True)


def as_json(entry: LogRecord) -> str:
    """Return a line as a JSON object that may be sent to a terminal."""
    text = json.dumps(entry.as_dict(), ensure_ascii=False)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def render_record(entry: LogRecord) -> Text:
    """Return a line for a person; one that is not of the contract stays as it is."""
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
    # Not splitlines(), which ends lines at rarer signs, too.
    return stack.split("\n") if stack else []
