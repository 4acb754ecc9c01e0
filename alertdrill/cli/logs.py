"""`alertdrill logs`: search log lines in Loki, or in the log files if Loki does not run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console

from ..config import settings
from ..console import escape
from ..logs import options as log_options
from ..logs.console import LogConsole, as_json
from ..logs.query import Query
from ..logs.record import LogRecord
from ..logs.search import Search, build_logql, search_logs
from ..runtimes import select_runtime

progress = Console(stderr=True, highlight=False)
output = Console(highlight=False)
# About one screen of lines.
LAST = 20
T = TypeVar("T")


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
@click.option("--level", help="Minimum level, such as WARNING.")
@click.option(
    "--trace", metavar="ID", help="Trace id; prints the lines of all services for one trace."
)
@click.option(
    "--grep",
    metavar="TEXT",
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
    search = _search(options)
    runtime = select_runtime(settings.current(), _say)
    if options["as_logql"]:
        click.echo(build_logql(runtime, search))
        return
    show: Callable[[LogRecord], None] = _print_json if options["json_"] else LogConsole(output).show
    count = 0
    try:
        for group in search_logs(runtime, search, _say):
            for record in group:
                show(record)
                count += 1
    except KeyboardInterrupt:
        sys.exit(0)  # the usual end of `-f`
    if not count:
        _say("no lines match")


def _search(options: dict[str, Any]) -> Search:
    """Return the search; raise `OptionError` for an invalid option."""
    now = round(time.time() * 1000)
    since = _read(lambda value: log_options.parse_time("--since", value, now), options["since"])
    until = _read(lambda value: log_options.parse_time("--until", value, now), options["until"])
    log_options.check_time_range(since, until, follow=options["follow"])
    query = Query(
        level=_read(log_options.parse_level, options["level"]),
        trace=_read(log_options.parse_trace_id, options["trace"]),
        text=_read(log_options.parse_text, options["grep"]),
        since=since,
        until=until,
    )
    bounded = query.trace or query.since is not None or query.until is not None
    lines = options["lines"] if options["lines"] is not None or bounded else LAST
    return Search(query, options["target"], lines, options["follow"], options["origin"])


def _read(check: Callable[[str], T], value: str | None) -> T | None:
    return None if value is None else check(value)


def _say(text: str) -> None:
    progress.print(f"[dim]·[/] {escape(text)}", soft_wrap=True)


def _print_json(record: LogRecord) -> None:
    click.echo(as_json(record))
