"""The processes of a stack, and the context that they are rendered from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...config import ROOT
from ...config.settings import Ports, StackSettings
from ...toolchain.find import Program
from .layout import Layout

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Process:
    """One process for supervisord.

    `ready` is a URL that answers 200 once it is ready; `job` its scrape job, None without
    metrics; `files` a folder that its program needs beside its configuration; `scales` is true
    if the replica count decides whether it runs.
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
        """The address (host:port)."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def number(self) -> int:
        """Return the number at the end of the name, from 1."""
        return int(self.name.rpartition("-")[2])


@dataclass(frozen=True)
class RenderContext:
    """The inputs that the processes of one stack are rendered from."""

    settings: StackSettings
    layout: Layout
    programs: Mapping[str, Program]
    token: str

    @property
    def ports(self) -> Ports:
        """The ports of the stack."""
        return self.settings.ports

    @property
    def fake_loki(self) -> bool:
        """Return whether the fake Loki runs: Loki is missing, but the collector is not."""
        return (
            self.settings.fake_loki and "otelcol" in self.programs and "loki" not in self.programs
        )

    def url(self, component: str) -> str:
        """Return the URL of a component by the name of its port."""
        return url(getattr(self.ports, component))


@dataclass(frozen=True)
class Plan:
    """All processes of a stack, and the URLs for users."""

    processes: Sequence[Process]
    addresses: Mapping[str, str]

    def process(self, name: str) -> Process | None:
        """Return the process with this name; None if there is none."""
        return next((process for process in self.processes if process.name == name), None)

    def processes_of(self, service: str) -> Sequence[Process]:
        """Return the processes of a service, in order."""
        return [process for process in self.processes if process.service == service]


def url(port: int) -> str:
    """Return the URL of a port on the loopback."""
    return f"http://{LOOPBACK}:{port}"
