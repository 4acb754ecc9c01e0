"""`alertdrill build-collector`: build the OpenTelemetry Collector."""

from __future__ import annotations

import os

import click
from rich.console import Console

from .. import settings
from ..console import escape
from ..toolchain import PROGRAMS, collector_build, default_cache, resolve_programs
from ..toolchain.package_cache import PackageCache, default_search_path

progress = Console(stderr=True, highlight=False)
output = Console(highlight=False)

MANIFEST = settings.ROOT / "loki" / "collector-build.yml"


@click.command()
def build_collector() -> None:
    """Build the OpenTelemetry Collector with Go.

    Nothing is built if a collector is on the PATH. `alertdrill up` uses the built collector.
    """
    cache = settings.current().cache or default_cache(os.environ)
    specs = [program for program in PROGRAMS if program.built]
    collector = resolve_programs(specs, cache, _say).programs.get("otelcol")
    if collector and collector.origin == "path":
        output.print(f"{escape(str(collector.path))} is on the PATH: no build needed.")
        return
    path = default_search_path(os.environ)
    with progress.status("building"):
        file = collector_build.build_collector(MANIFEST, PackageCache(cache, path), path, _say)
    output.print(f"{escape(str(file))} is the collector; `alertdrill up` uses it.", soft_wrap=True)


def _say(text: str) -> None:
    progress.print(f"[dim]·[/] {escape(text)}", soft_wrap=True)
