"""An archive of images in one file: a manifest, checksums, and the output of `docker save`.

The checksums detect damage in transit, not tampering.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import TypeAdapter

from alertdrill.errors import AlertdrillError

from .docker_cli import DockerCli, error_line
from .inventory import InventoryRow

# Increase it with each change of the format, so that an older Alertdrill refuses the archive.
FORMAT = 1
MANIFEST, SUMS, IMAGES = "manifest.json", "SHA256SUMS", "images.tar.gz"
# Larger chunks are not faster.
_CHUNK = 1 << 20
# Level 1 shrinks programs to a third; higher levels take minutes for 5 % more.
_LEVEL = 1


class ArchiveError(AlertdrillError):
    """An archive of images is damaged, or cannot be written."""


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
    format: int = FORMAT


_MANIFEST_JSON = TypeAdapter(Manifest)


def read_manifest(text: bytes) -> Manifest:
    """Parse a manifest; raise `ArchiveError` if it is invalid."""
    try:
        version = json.loads(text)["format"]
        if version == FORMAT:
            return _MANIFEST_JSON.validate_json(text)
    except (ValueError, TypeError, KeyError) as error:
        raise ArchiveError("its manifest can't be read") from error
    raise ArchiveError(f"its format is {version!r}, and this Alertdrill reads {FORMAT}")


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
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".images-") as name:
            work = Path(name)
            _save_images(engine, [image.name for image in content.images], work / IMAGES)
            text = _MANIFEST_JSON.dump_json(content, indent=2)
            sums = {MANIFEST: hashlib.sha256(text).hexdigest(), IMAGES: _sum_of(work / IMAGES)}
            with tarfile.open(work / "set", "w") as archive:
                _add(archive, SUMS, _written(sums))
                _add(archive, MANIFEST, text)
                archive.add(work / IMAGES, IMAGES)
            (work / "set").replace(file)
    except OSError as error:
        raise ArchiveError(f"{file} can't be written: {error.strerror}.") from error


def check(file: Path) -> Manifest:
    """Verify the whole file and return its manifest; raise `ArchiveError` if it is damaged."""
    try:
        with tarfile.open(file, "r:") as archive:
            _check_sums(archive)
            return read_manifest(_member(archive, MANIFEST).read())
    except FileNotFoundError:
        raise ArchiveError(f"no file {file}: use the file that the command `save` wrote.") from None
    except ArchiveError as error:
        raise _refused(file, str(error)) from error
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise _refused(file, "it is not a complete archive") from error


def load(engine: DockerCli, content: Manifest, file: Path) -> None:
    """Load a verified file's images, and check that they match the manifest."""
    process = engine.start("load", "--quiet", feeds_stdin=True)
    assert process.stdin is not None
    try:
        with tarfile.open(file, "r:") as archive, process.stdin:
            shutil.copyfileobj(_member(archive, IMAGES), process.stdin, _CHUNK)
    except BrokenPipeError:
        pass  # the engine stopped reading; its stderr has the reason
    _ended(process, "load")
    for image in content.images:
        details = engine.image(image.name)
        if details is None or not image.matches(details):
            raise ArchiveError(
                f"{image.name} does not match the manifest of {file}: save the archive again."
            )


def _check_sums(archive: tarfile.TarFile) -> None:
    sums = _read_sums(_member(archive, SUMS).read())
    if set(sums) != {MANIFEST, IMAGES}:
        raise ArchiveError(f"its {SUMS} is damaged")
    for name, expected in sums.items():
        if _sum(_member(archive, name)) != expected:
            raise ArchiveError(f"its {name} has another checksum")


def _refused(file: Path, why: str) -> ArchiveError:
    return ArchiveError(
        f"{file} is damaged or incomplete: {why}. Nothing was loaded. Copy it again, or"
        " repeat `save`."
    )


def _save_images(engine: DockerCli, names: Sequence[str], file: Path) -> None:
    process = engine.start("save", *names)
    assert process.stdout is not None
    with process.stdout, gzip.open(file, "wb", compresslevel=_LEVEL) as packed:
        shutil.copyfileobj(process.stdout, packed, _CHUNK)
    _ended(process, "save")


def _ended(process: subprocess.Popen[bytes], doing: str) -> None:
    assert process.stderr is not None
    message = process.stderr.read().decode(errors="replace")
    process.stderr.close()
    if process.wait() != 0:
        raise ArchiveError(f"docker {doing} failed: {error_line(message)}")


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        file = archive.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise ArchiveError(f"it has no {name}")
    return file


def _sum_of(file: Path) -> str:
    with file.open("rb") as content:
        return _sum(content)


def _sum(content: IO[bytes]) -> str:
    total = hashlib.sha256()
    while chunk := content.read(_CHUNK):
        total.update(chunk)
    return total.hexdigest()


def _written(sums: Mapping[str, str]) -> bytes:
    """Return checksums in the format of `sha256sum --check`."""
    return "".join(f"{value}  {name}\n" for name, value in sums.items()).encode()


def _read_sums(text: bytes) -> dict[str, str]:
    pairs = (line.split("  ", 1) for line in text.decode().splitlines())
    return {name: value for value, name in pairs}
