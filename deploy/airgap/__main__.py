"""`python -m deploy.airgap build|list|save|load`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from alertdrill.cli.app import ErrorGroup
from alertdrill.cli.console import output, progress, show, table, timed, warn
from alertdrill.config import ROOT, env_block, settings
from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.cache import default_cache

from . import archive, inventory
from .base_image import ensure_rootfs
from .build import build_images
from .docker_cli import DockerCli
from .images import IMAGES, PULL_POLICY

COMMAND = "python -m deploy.airgap"
ENV = ROOT / ".env"


@click.group(cls=ErrorGroup)
def airgap() -> None:
    """Build, save and load the stack's images on hosts that can't reach a registry."""


@airgap.command()
@click.option("--mirror", help="Debian mirror. Default: the one of the host's apt.")
@click.option("--fresh", is_flag=True, help="Rebuild the base image, with all updates.")
def build(mirror: str | None, fresh: bool) -> None:
    """Build every third-party image without a registry.

    The base image is Debian, made by debootstrap. The tags are written to .env.
    """
    # Checked first, since the build takes minutes.
    variables = [name for image in IMAGES for name in (image.variable, image.replicas)]
    env_block.IMAGES.read_others(ENV, [PULL_POLICY, *variables])
    engine = DockerCli()
    current = settings.current()
    cache = current.cache or default_cache()
    with timed("building") as on_progress:
        base = ensure_rootfs(cache, mirror, on_progress, fresh=fresh)
        result = build_images(engine, base, cache, on_progress)
    env_block.IMAGES.write(ENV, result.values)
    file = inventory.write_inventory(current.home, result.rows)
    rows = [(row.name, _megabytes(row.size), row.version, row.origin) for row in result.rows]
    output.print(table(("Image", "MB", "Version", "From"), rows))
    for message in result.missing:
        warn(message)
    show(f"This table is in {file}; the tags are in .env.")


@airgap.command(name="list")
def list_images() -> None:
    """List the images of the stack and their origin."""
    current = settings.current()
    rows = inventory.read_inventory(current.home)
    images = []
    for item in inventory.image_status(DockerCli(), current):
        size = _megabytes(item.details["Size"]) if item.details else ""
        sign = "[green]●[/]" if item.details else "[red]✗[/]" if item.is_missing else "[dim]○[/]"
        origin = inventory.image_origin(item, rows)
        images.append((Text.from_markup(sign), item.name, size, origin))
    output.print(table(("", "Image", "MB", "From"), images))


@airgap.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
def save(file: Path | None) -> None:
    """Save the images of the stack to a file.

    Copy FILE to a host without a network, and run the command `load FILE` there.
    """
    current = settings.current()
    engine = DockerCli()
    items = inventory.image_status(engine, current)
    if missing := [item.name for item in items if item.is_missing]:
        raise AlertdrillError(
            f"{', '.join(missing)}: not on this host. Pull them, or build them with `make images`."
        )
    present = [item for item in items if item.details and item.required]
    for item in present:
        if item.details and item.reference != item.name:
            engine.tag(item.details["Id"], item.name)  # a digest can't be loaded again; a tag can
    packed = archive.pack(engine, [item.name for item in present])
    names = {image.name for image in packed}
    rows = [row for row in inventory.read_inventory(current.home) if row.name in names]
    file = file or current.home / "images" / "alertdrill-images.gz"
    content = archive.Manifest(packed, inventory.env_variables(items), rows)
    with progress.status("saving"):
        archive.save(engine, content, file)
    for item in items:
        if not item.details:
            warn(f"{item.name} was not saved.")
    size = _megabytes(file.stat().st_size)
    show(f"{file} has {len(packed)} images, {size} MB.")


@airgap.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def load(file: Path) -> None:
    """Load images from a file.

    FILE is what the command `save` wrote; a damaged file is refused. The tags are written to .env.
    """
    current = settings.current()
    with progress.status("checking"):
        content = archive.check(file)
    env_block.IMAGES.read_others(ENV, content.variables)
    engine = DockerCli()
    with progress.status("loading"):
        archive.load(engine, content, file)
    env_block.IMAGES.write(ENV, content.variables)
    inventory.write_inventory(current.home, content.inventory)
    output.print(f"{len(content.images)} images are loaded; their tags are in .env.")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f}"


if __name__ == "__main__":
    airgap(prog_name=COMMAND)
