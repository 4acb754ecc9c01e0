"""`alertdrill images build|list|save|load|push`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from .. import settings
from ..console import escape
from ..images import archive, env_block, inventory, publish, status
from ..images.archive_manifest import Manifest
from ..images.base_image import ensure_rootfs
from ..images.build import ImageBuilder
from ..images.docker_cli import DockerCli
from ..images.errors import ArchiveError
from ..images.inventory import InventoryRow
from ..images.specs import IMAGES
from ..toolchain.cache import default_cache

progress = Console(stderr=True, highlight=False)
output = Console(highlight=False)

ENV = settings.ROOT / ".env"


@click.group()
def images() -> None:
    """Build, save, load and push container images.

    Use it for hosts without a registry, and to publish the images in your own registry.
    """


@images.command()
@click.option("--mirror", help="Debian mirror. Default: the one of the host's apt.")
@click.option("--fresh", is_flag=True, help="Rebuild the base image, with all updates.")
def build(mirror: str | None, fresh: bool) -> None:
    """Build every third-party image without a registry.

    The base image is Debian, made by debootstrap. The tags are written to .env.
    """
    # Checked first, since the build takes minutes.
    env_block.require_unset(env_block.read_env(ENV), [image.variable for image in IMAGES])
    engine = _engine()
    current = settings.current()
    cache = current.cache or default_cache(os.environ)
    with progress.status("building"):
        base = ensure_rootfs(cache, mirror, _say, fresh=fresh)
        result = ImageBuilder(engine, base, cache, _say).build_all()
    env_block.write_env(ENV, result.values)
    file = inventory.write_inventory(current.home, result.rows)
    output.print(_inventory(result.rows))
    for sentence in result.missing:
        progress.print(f"[yellow]![/] {escape(sentence)}", soft_wrap=True)
    output.print(f"This table is in {escape(str(file))}; the tags are in .env.", soft_wrap=True)


@images.command(name="list")
def list_images() -> None:
    """List the images of the stack and their origin."""
    current = settings.current()
    rows = inventory.read_inventory(current.home)
    table = _table("Image", "MB", "From")
    for item in status.image_status(_engine(), current):
        size = _megabytes(item.details["Size"]) if item.details else ""
        sign = "[green]●[/]" if item.details else "[red]✗[/]" if item.is_missing else "[dim]○[/]"
        table.add_row(sign, escape(item.name), size, escape(status.image_origin(item, rows)))
    output.print(table)


@images.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
def save(file: Path | None) -> None:
    """Save the images of the stack to a file.

    Copy FILE to a host without a network, and run `alertdrill images load FILE` there.
    """
    current = settings.current()
    engine = _engine()
    items = status.image_status(engine, current)
    if missing := [item.name for item in items if item.is_missing]:
        raise ArchiveError(
            f"{', '.join(missing)}: not on this host. Pull them, or build them with `make images`."
        )
    present = [item for item in items if item.details and item.required]
    for item in present:
        if item.details and item.reference != item.name:
            engine.tag(item.details["Id"], item.name)  # a digest can't be loaded again; a tag can
    packed = archive.pack(engine, [item.name for item in present])
    names = {image.name for image in packed}
    rows = [row for row in inventory.read_inventory(current.home) if row.name in names]
    file = file or current.home / "images" / "alertdrill-images.tar"
    with progress.status("saving"):
        archive.save(engine, Manifest(packed, status.env_variables(items), rows), file)
    for item in items:
        if not item.details:
            progress.print(f"[yellow]![/] {escape(item.name)} was not saved.", soft_wrap=True)
    size = _megabytes(file.stat().st_size)
    output.print(f"{escape(str(file))} has {len(packed)} images, {size} MB.", soft_wrap=True)


@images.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def load(file: Path) -> None:
    """Load images from a file.

    FILE is what `alertdrill images save` wrote; a damaged file is refused. The tags are written to
    .env.
    """
    current = settings.current()
    with progress.status("checking"):
        content = archive.check(file)
    env_block.require_unset(env_block.read_env(ENV), content.variables)
    engine = _engine()
    with progress.status("loading"):
        archive.load(engine, content, file)
    env_block.write_env(ENV, content.variables)
    inventory.write_inventory(current.home, content.inventory)
    output.print(f"{len(content.images)} images are loaded; their tags are in .env.")


@images.command()
@click.argument("registry")
def push(registry: str) -> None:
    """Push the stack's own images to a registry.

    REGISTRY is a host and a path, such as registry.example.com/team. Print the lines for .env that
    pull the images from there.
    """
    engine = _engine()
    with progress.status("pushing"):
        values = publish.push(engine, registry, settings.current().versions.alertdrill, _say)
    click.echo("\n".join(f"{name}={value}" for name, value in values.items()))


def _engine() -> DockerCli:
    engine = DockerCli()
    engine.require()
    return engine


def _say(text: str) -> None:
    progress.print(f"[dim]·[/] {escape(text)}", soft_wrap=True)


def _inventory(rows: Sequence[InventoryRow]) -> Table:
    table = _table("Image", "MB", "Version", "From")
    for row in rows:
        size = _megabytes(row.size)
        table.add_row("", escape(row.name), size, row.version, escape(row.origin))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table("", box=None, pad_edge=False)
    # Fold long names instead of truncating them.
    table.add_column(first, overflow="fold")
    for title in others:
        table.add_column(title, overflow="fold")
    return table


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f}"
