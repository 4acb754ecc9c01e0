"""The console of every command: results on stdout, progress on stderr, tables of the stack.

Each state has a word and a sign besides its colour. No text of others reaches the terminal as
markup or as control characters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich import markup
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ..runtimes.base import Instance

# Progress goes to stderr, so that stdout holds the result alone.
progress = Console(stderr=True, highlight=False)
output = Console(highlight=False)

SIGNS = {
    "ready": ("●", "green"),
    "standby": ("○", "dim"),
    "starting": ("◐", "yellow"),
    "unready": ("▲", "yellow"),
    "paused": ("‖", "yellow"),
    "stopped": ("■", "red"),
    "failed": ("✗", "bold red"),
}


def printable(text: str) -> str:
    """Show control characters instead of sending them to the terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def escape(text: str) -> str:
    """Return text without markup and control characters."""
    return markup.escape(printable(text))


def show(text: str, sign: str = "", console: Console = output) -> None:
    """Print a line of the result; `sign` may have markup."""
    console.print(f"{sign} {escape(text)}".lstrip(), soft_wrap=True)


def note(text: str) -> None:
    """Print a line of progress."""
    show(text, "[dim]·[/]", progress)


def warn(text: str) -> None:
    """Print a warning beside the result."""
    show(text, "[yellow]![/]", progress)


@contextmanager
def timed(doing: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner with the latest progress, and print a line for each step."""
    begun = time.monotonic()
    with progress.status(doing) as status:

        def on_progress(text: str) -> None:
            note(text)
            status.update(f"{doing} ({time.monotonic() - begun:.0f} s)")

        yield on_progress


def table(titles: Iterable[str], rows: Iterable[Iterable[str | Text]]) -> Table:
    """Return a table that cuts no cell off and reads no text as markup."""
    result = Table(box=None, pad_edge=False)
    for title in titles:
        result.add_column(title, overflow="fold")
    for cells in rows:
        result.add_row(*(escape(cell) if isinstance(cell, str) else cell for cell in cells))
    return result


def verdict(passed: bool, good: str, bad: str) -> Text:
    """Return the sign and the word of a verdict."""
    return Text(f"✓ {good}", "green") if passed else Text(f"✗ {bad}", "bold red")


def address_table(addresses: Mapping[str, str]) -> Table:
    """Return the table of addresses."""
    return table(("What", "Address"), addresses.items())


def instance_table(instances: Iterable[Instance]) -> Table:
    """Return the table of instances."""
    rows = [
        (
            instance.name,
            Text(f"{SIGNS[instance.state][0]} {instance.state}", SIGNS[instance.state][1]),
            instance.address,
            instance.ops_address,
            str(instance.pid or ""),
            _duration(instance.uptime_seconds),
        )
        for instance in instances
    ]
    return table(("Instance", "State", "Address", "Operations", "Pid", "Up"), rows)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
