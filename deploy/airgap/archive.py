"""An archive of images in one file: a manifest in the first line, then the output of `docker save`.

It is compressed by gzip, whose checksum detects damage in transit, not tampering.
"""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from alertdrill.errors import AlertdrillError

from .docker_cli import DockerCli
from .inventory import InventoryRow

# Larger chunks are not faster.
_CHUNK = 1 << 20
# Level 1 shrinks programs to a third; higher levels take minutes for 5 % more.
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """An image in an archive.

    `layers` are the hashes of its files. `id` covers its configuration too, but engines compute it
    differently.
    """

    name: str
    id: str
    size: int
    layers: tuple[str, ...]

    def matches(self, details: Mapping[str, Any]) -> bool:
        """Return whether an image of the engine is this one."""
        return details["Id"] == self.id or tuple(details["RootFS"]["Layers"]) == self.layers


@dataclass(frozen=True, slots=True)
class Manifest:
    """The images of an archive, the variables for `.env`, and the inventory."""

    images: Sequence[ImageEntry]
    variables: Mapping[str, str]
    inventory: Sequence[InventoryRow]
    # Increase it with each change of the format, so that an older Alertdrill refuses the archive.
    format: Literal[2] = 2


_MANIFEST = TypeAdapter(Manifest)


def pack(engine: DockerCli, names: Sequence[str]) -> list[ImageEntry]:
    """Return entries for the images that the engine has."""
    images = {name: engine.image(name) for name in names}
    return [
        ImageEntry(name, image["Id"], image["Size"], tuple(image["RootFS"]["Layers"]))
        for name, image in images.items()
        if image
    ]


def save(engine: DockerCli, content: Manifest, file: Path) -> None:
    """Write an archive of images, completely or not at all."""
    fresh = file.with_name(f".{file.name}.new")
    names = [image.name for image in content.images]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with (
            engine.stream("save", *names) as images,
            gzip.open(fresh, "wb", _LEVEL) as packed,
        ):
            packed.write(_MANIFEST.dump_json(content) + b"\n")
            shutil.copyfileobj(images, packed, _CHUNK)
        fresh.replace(file)
    except OSError as error:
        raise AlertdrillError(f"{file} can't be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            fresh.unlink()


def check(file: Path) -> Manifest:
    """Read the whole file and return its manifest; raise `AlertdrillError` if it is damaged."""
    try:
        with gzip.open(file) as packed:
            line = packed.readline()
            while packed.read(_CHUNK):
                pass
    except FileNotFoundError:
        raise AlertdrillError(
            f"no file {file}: use the file that the command `save` wrote."
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise AlertdrillError(
            f"{file} is damaged or incomplete: {error}. Nothing was loaded. Copy it again, or"
            " repeat `save`."
        ) from error
    try:
        return _MANIFEST.validate_json(line)
    except ValueError as error:
        raise AlertdrillError(
            f"{file} has no manifest that this Alertdrill reads. Nothing was loaded. Repeat `save`"
            " with the same version."
        ) from error


def load(engine: DockerCli, content: Manifest, file: Path) -> None:
    """Load a verified file's images, and check that they match the manifest."""
    with gzip.open(file) as packed, engine.stream("load", "--quiet", feeds_stdin=True) as stdin:
        packed.readline()
        shutil.copyfileobj(packed, stdin, _CHUNK)
    for image in content.images:
        details = engine.image(image.name)
        if details is None or not image.matches(details):
            raise AlertdrillError(
                f"{image.name} does not match the manifest of {file}: save the archive again."
            )
