"""`alertdrill logs`: search log lines in Loki, or in the log files if Loki does not run."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from ..config import settings
from ..config.durations import parse_milliseconds
from ..errors import AlertdrillError
from ..logs.query import Query
from ..logs.record import LEVELS, LogRecord, format_time
from ..logs.search import Search, build_logql, search_logs
from ..runtimes.select import select_stack_runtime
from .console import note, output, printable

# About one screen of lines.
LAST = 20
TRACE_ID = re.compile(r"[0-9a-f]{32}")
STYLES = {
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


# What a filter's value is compared as, what it must be, and what to use instead.
FILTERS: Mapping[str, tuple[Callable[[str], str], Callable[[str], object], str]] = {
    "level": (str.upper, LEVELS.__contains__, f"use one of {', '.join(LEVELS)}"),
    "trace": (str.lower, TRACE_ID.fullmatch, "use a line's trace_id, 32 hexadecimal digits"),
    "grep": (
        str,
        lambda text: text and text.isprintable(),
        "use plain text without line ends or control characters",
    ),
}


def parse_time(option: str, value: str, now: int) -> int:
    """Return `10m` (ago) or an RFC 3339 time with a zone, in milliseconds since 1970."""
    with suppress(ValueError):
        return max(0, now - parse_milliseconds(value))
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo:
            return max(0, round(moment.timestamp() * 1000))
    raise AlertdrillError(
        f"{option} is {value!r}: use a duration such as 90s, 10m, 2h or 1d,"
        " or a time with a zone, such as 2026-11-25T10:00:00Z."
    )


def _filter(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is None or option.name is None:
        return None
    normalize, is_valid, advice = FILTERS[option.name]
    if not is_valid(normalize(value)):
        raise AlertdrillError(f"--{option.name} is {value!r}: {advice}.")
    return normalize(value)


@click.command()
@click.argument("target", required=False)
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(0),
    help=f"Number of newest lines. Default: {LAST}; no limit with --since, --until or --trace.",
)
@click.option(
    "--since",
    metavar="10m|TIME",
    help="Start: a duration ago, or a time such as 2026-11-25T10:00:00Z.",
)
@click.option("--until", metavar="10m|TIME", help="End, in the same forms.")
@click.option("--level", callback=_filter, help="Minimum level, such as WARNING.")
@click.option(
    "--trace",
    metavar="ID",
    callback=_filter,
    help="Trace id; prints the lines of all services for one trace.",
)
@click.option(
    "--grep",
    metavar="TEXT",
    callback=_filter,
    help="Text in the message or in a field, or name=value of a field.",
)
@click.option("-f", "--follow", is_flag=True, help="Print new lines until Ctrl-C.")
@click.option("--json", "json_", is_flag=True, help="Print each line as a JSON object.")
@click.option(
    "--from",
    "origin",
    type=click.Choice(["auto", "loki", "files"]),
    default="auto",
    show_default=True,
    help="Source of the lines.",
)
@click.option("--logql", "as_logql", is_flag=True, help="Print the LogQL query and exit.")
def logs(**options: Any) -> None:
    """Search the log lines of the stack.

    TARGET is an instance or a service, such as web-1 or web; without it, the whole stack. Lines
    come from Loki if it and the collector run, otherwise from the log files. They are sorted by
    time (UTC).
    """
    search = _search(**options)
    runtime = select_stack_runtime(settings.current(), note)
    if options["as_logql"]:
        click.echo(build_logql(runtime, search))
        return
    count, day = 0, format_time(time.time_ns() // 1_000_000)[:10]
    for record in chain.from_iterable(search_logs(runtime, search, note)):
        count += 1
        if options["json_"]:
            click.echo(as_json(record))
        else:
            day = print_record(record, day, output)
    if not count:
        note("no lines match")


def _search(*, since: str | None, until: str | None, lines: int | None, **options: Any) -> Search:
    """Return the search; raise `AlertdrillError` for an empty time range."""
    now = round(time.time() * 1000)
    begin = None if since is None else parse_time("--since", since, now)
    end = None if until is None else parse_time("--until", until, now)
    if options["follow"] and end is not None:
        raise AlertdrillError("--until and --follow exclude each other: remove one of them.")
    if begin is not None and end is not None and end <= begin:
        raise AlertdrillError("--until is not after --since: no line can match.")
    query = Query(
        level=options["level"],
        trace=options["trace"],
        text=options["grep"],
        since=begin,
        until=end,
    )
    unlimited = lines is not None or query.trace or begin is not None or end is not None
    limit = lines if unlimited else LAST
    return Search(query, options["target"], limit, options["follow"], options["origin"])


def print_record(entry: LogRecord, day: str, console: Console) -> str:
    """Print a record as one line of any length, below a line for its day unless that is `day`.

    Return its day, or `day` if it has none.
    """
    own = (entry.timestamp or day)[:10]
    if own != day:
        console.print(own, style="dim")
    console.print(render_record(entry), soft_wrap=True)
    return own


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
    hidden = FIXED_FIELDS + (IN_ACCESS_MESSAGE if entry.is_access else ())
    more = [f"{name}={text}" for name, text in entry.ordered_fields() if name not in hidden]
    level = printable(entry.level)
    text = Text.assemble(
        *head,
        (f"{level:<{LEVEL}} ", STYLES.get(level, "")),
        printable(entry.message),
        (f"  {printable(' '.join(more))}" if more else "", "dim"),
    )
    stack = entry.fields.get("exception_stack", "").rstrip("\n")
    # Not splitlines(), which also splits at rarer characters.
    for line in stack.split("\n") if stack else ():
        text.append(f"\n    {printable(line)}", "dim red")
    return text
