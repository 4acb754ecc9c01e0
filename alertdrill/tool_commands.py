"""`alertdrill tools`: what a host may lack and can build."""

from __future__ import annotations

import os

import click
from rich.console import Console

from . import settings
from .programs import CATALOGUE, default_cache, locate
from .programs.build import build_collector
from .programs.store import Store, default_search_path
from .screen import escape

progress = Console(stderr=True, highlight=False)
output = Console(highlight=False)

MANIFEST = settings.ROOT / "loki" / "collector-build.yml"


@click.command()
def tools() -> None:
    """Build the OpenTelemetry Collector with Go, unless one is on the PATH."""
    cache = settings.current().cache or default_cache(os.environ)
    wanted = [program for program in CATALOGUE if program.built]
    found = locate(wanted, cache, _say).programs.get("otelcol")
    if found and found.origin == "path":
        output.print(f"{escape(str(found.path))} is on the PATH: nothing to build.")
        return
    path = default_search_path(os.environ)
    with progress.status("building"):
        built = build_collector(MANIFEST, Store(cache, path), path, _say)
    output.print(f"{escape(str(built))} is the collector: `make up` finds it.", soft_wrap=True)


def _say(text: str) -> None:
    progress.print(f"[dim]·[/] {escape(text)}", soft_wrap=True)
