"""One process of the stack, and where the stack is: what the other modules talk about. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...settings import ROOT, Ports, StackSettings
from ...toolchain import Program
from .layout import Layout

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Process:
    """One process for supervisord.

    `ready` is a URL that answers 200 once it serves; `job` the scrape job that it belongs to,
    None where it has no metrics; `files` a folder that its program wants beside its
    configuration; `scales` says that it is started by scale rather than always.
    """

    name: str
    service: str
    command: Sequence[str]
    port: int
    ready: str
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = ROOT
    files: Path | None = None
    job: str | None = "stack"
    more_ports: Sequence[int] = ()
    scales: bool = False
    stop_signal: str = "TERM"

    @property
    def address(self) -> str:
        """Where it listens, without a scheme."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def number(self) -> int:
        """Return the number at the end of the name, from 1."""
        return int(self.name.rpartition("-")[2])


@dataclass(frozen=True)
class RenderContext:
    """What the processes of one stack are made from."""

    settings: StackSettings
    layout: Layout
    programs: Mapping[str, Program]
    token: str

    @property
    def ports(self) -> Ports:
        """Where everything listens."""
        return self.settings.ports

    @property
    def fake_loki(self) -> bool:
        """Tell whether a stand-in takes Loki's place: there is none, but lines are carried."""
        carries_logs = "otelcol" in self.programs and "loki" not in self.programs
        return self.settings.fake_loki and carries_logs

    def url(self, part: str) -> str:
        """Return the address of a part, named as its port is."""
        return url(getattr(self.ports, part))


def url(port: int) -> str:
    """Return the address of what listens on a port of the loopback."""
    return f"http://{LOOPBACK}:{port}"
