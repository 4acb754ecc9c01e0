"""Tables and escaping for a terminal. Each state has a word and a sign besides its colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich import markup
from rich.table import Table
from rich.text import Text

from .doctor import Check
from .runtimes import Instance

__all__ = ["address_table", "check_lines", "escape", "instance_table", "printable"]

SIGNS = {
    "ready": ("●", "green"),
    "standby": ("○", "dim"),
    "starting": ("◐", "yellow"),
    "unready": ("▲", "yellow"),
    "paused": ("‖", "yellow"),
    "stopped": ("■", "red"),
    "failed": ("✗", "bold red"),
}


def escape(text: str) -> str:
    """Return text without markup and control characters."""
    return markup.escape(printable(text))


def address_table(addresses: Mapping[str, str]) -> Table:
    """Return the table of addresses."""
    table = Table("What", "Address", box=None, pad_edge=False)
    for title, address in addresses.items():
        table.add_row(title, address)
    return table


def instance_table(instances: Sequence[Instance]) -> Table:
    """Return the table of instances."""
    table = Table("Instance", "State", "Address", "Pid", "Up", box=None, pad_edge=False)
    for instance in instances:
        sign, style = SIGNS[instance.state]
        table.add_row(
            instance.name,
            Text(f"{sign} {instance.state}", style=style),
            instance.address,
            str(instance.pid or ""),
            _duration(instance.uptime_seconds),
        )
    return table


def check_lines(checks: Sequence[Check]) -> Iterator[Text]:
    """Yield the lines of `alertdrill doctor`; advice has its own line, so that it can be copied."""
    signs = {"ok": ("●", "green"), "warning": ("▲", "yellow"), "problem": ("✗", "bold red")}
    width = max((len(check.name) for check in checks), default=0)
    for check in checks:
        name = printable(check.name).ljust(width)
        yield Text.assemble(signs[check.state], f" {name}  {printable(check.detail)}")
        if check.advice:
            yield Text(" " * (width + 4) + printable(check.advice))


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def printable(text: str) -> str:
    """Show control characters instead of sending them to the terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
