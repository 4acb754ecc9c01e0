"""`alertdrill build-collector` and `alertdrill images`: build and publish parts of the stack."""

from __future__ import annotations

import click

from ..config import ROOT, settings
from ..runtimes.compose.images import push
from ..runtimes.compose.project import ComposeProject
from ..toolchain import collector
from ..toolchain.cache import default_cache
from ..toolchain.find import resolve_programs
from ..toolchain.programs import PROGRAMS
from .console import note, progress, show

MANIFEST = ROOT / "loki" / "collector-build.yml"


@click.command()
def build_collector() -> None:
    """Build the OpenTelemetry Collector with Go.

    Nothing is built if a collector is on the PATH. `alertdrill up` uses the built collector.
    """
    cache = settings.current().cache or default_cache()
    specs = [program for program in PROGRAMS if program.name == "otelcol"]
    program = resolve_programs(specs, cache, note).programs.get("otelcol")
    if program and program.origin == "path":
        show(f"{program.path} is on the PATH: no build needed.")
        return
    with progress.status("building"):
        file = collector.build_collector(MANIFEST, cache, note)
    show(f"{file} is the collector; `alertdrill up` uses it.")


@click.group()
def images() -> None:
    """Publish the stack's own images.

    `python -m deploy.airgap` builds, saves and loads images for hosts without a registry.
    """


@images.command(name="push")
@click.argument("registry")
def push_images(registry: str) -> None:
    """Push the stack's own images to a registry.

    REGISTRY is a host and a path, such as registry.example.com/team. Print the lines for .env that
    pull the images from there.
    """
    current = settings.current()
    compose = ComposeProject(current)
    compose.docker("version", "--format", "{{.Server.Version}}")
    with progress.status("pushing"):
        values = push(compose, registry, current.versions.alertdrill, note)
    click.echo("\n".join(f"{name}={value}" for name, value in values.items()))
