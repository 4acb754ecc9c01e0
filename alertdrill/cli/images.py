"""`alertdrill images push`."""

from __future__ import annotations

import click
from rich.console import Console

from ..config import settings
from ..console import escape
from ..runtimes.compose.compose_cli import ComposeCli
from ..runtimes.compose.publish import push

progress = Console(stderr=True, highlight=False)


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
    compose = ComposeCli("", {})
    compose.docker("version", "--format", "{{.Server.Version}}")
    with progress.status("pushing"):
        values = push(compose, registry, settings.current().versions.alertdrill, _say)
    click.echo("\n".join(f"{name}={value}" for name, value in values.items()))


def _say(text: str) -> None:
    progress.print(f"[dim]·[/] {escape(text)}", soft_wrap=True)
