"""`alertdrill build-collector`: build the OpenTelemetry Collector."""

from __future__ import annotations

import os

import click
from rich.console import Console

from ..config import ROOT, settings
from ..console import escape
from ..toolchain import collector
from ..toolchain.cache import default_cache
from ..toolchain.find import resolve_programs
from ..toolchain.programs import PROGRAMS

progress = Console(stderr=True, highlight=False)
output = Console(highlight=False)

MANIFEST = ROOT / "loki" / "collector-build.yml"


@click.command()
def build_collector() -> None:
    """Build the OpenTelemetry Collector with Go.

    Nothing is built if a collector is on the PATH. `alertdrill up` uses the built collector.
    """
    cache = settings.current().cache or default_cache(os.environ)
    specs = [program for program in PROGRAMS if program.built]
    program = resolve_programs(specs, cache, _say).programs.get("otelcol")
    if program and program.origin == "path":
        output.print(f"{escape(str(program.path))} is on the PATH: no build needed.")
        return
    with progress.status("building"):
        file = collector.build_collector(MANIFEST, cache, _say)
    output.print(f"{escape(str(file))} is the collector; `alertdrill up` uses it.", soft_wrap=True)


def _say(text: str) -> None:
    progress.print(f"[dim]·[/] {escape(text)}", soft_wrap=True)
