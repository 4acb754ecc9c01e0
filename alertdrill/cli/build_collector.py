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
    """Build the OpenTelemetry Collector with Go, unless one is on the PATH."""
    cache = settings.current().cache or default_cache(os.environ)
    wanted = [program for program in PROGRAMS if program.built]
    found = resolve_programs(wanted, cache, _say).programs.get("otelcol")
    if found and found.origin == "path":
        output.print(f"{escape(str(found.path))} is on the PATH: no build needed.")
        return
    path = default_search_path(os.environ)
    with progress.status("building"):
        built = collector_build.build_collector(MANIFEST, PackageCache(cache, path), path, _say)
    output.print(f"{escape(str(built))} is the collector; `alertdrill up` uses it.", soft_wrap=True)


def _say(text: str) -> None:
    progress.print(f"[dim]·[/] {escape(text)}", soft_wrap=True)
