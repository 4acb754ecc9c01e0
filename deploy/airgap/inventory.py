"""The status of every image that the stack needs, and the origin of those that were built here.

`make images` writes the origins to var/images/inventory.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from alertdrill.config.settings import LOCAL_REGISTRY, ImageVersions, StackSettings, own_images
from alertdrill.errors import AlertdrillError

from .docker_cli import DockerCli
from .images import IMAGES, OWN_VERSION_VARIABLE, PULL_POLICY


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """An image: its name, its program's version and origin, and its size in bytes.

    `sha256` is the program's checksum if it came from the host's PATH.
    """

    name: str
    version: str
    origin: str
    sha256: str
    size: int


_ROWS = TypeAdapter(dict[str, list[InventoryRow]])


def write_inventory(home: Path, rows: Sequence[InventoryRow]) -> Path:
    """Write the inventory and return its path."""
    file = home / "images" / "inventory.json"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_ROWS.dump_json({"images": list(rows)}, indent=2) + b"\n")
    except OSError as error:
        raise AlertdrillError(f"{file} can't be written: {error.strerror}.") from error
    return file


def read_inventory(home: Path) -> Sequence[InventoryRow]:
    """Return the rows of the inventory; none without a valid file."""
    try:
        return _ROWS.validate_json((home / "images" / "inventory.json").read_bytes())["images"]
    except (OSError, ValueError, KeyError):
        return []


@dataclass(frozen=True)
class ImageStatus:
    """An image that the stack uses, the variable of its tag, and its details in the engine.

    `reference` is the name with the digest, where one is pinned; only a registry knows digests.
    `name` is without, and one of ours is moved under its local name. `optional` is the variable
    that leaves the image out; `required` says that it is not left out.
    """

    name: str
    reference: str
    variable: str
    optional: str
    required: bool
    details: Mapping[str, Any] | None

    @property
    def is_own(self) -> bool:
        """Return whether it is built from apps/Dockerfile."""
        return self.variable == OWN_VERSION_VARIABLE

    @property
    def is_missing(self) -> bool:
        """Return whether the settings need the image and the engine does not have it."""
        return self.details is None and self.required and not self.is_own


def image_status(engine: DockerCli, settings: StackSettings) -> Sequence[ImageStatus]:
    """Return the status of every image of the stack."""
    versions = asdict(settings.versions)
    counts = asdict(settings.replicas)
    items = []
    for image in IMAGES:
        reference = f"{image.repository}:{versions[image.recipe.replace('-', '_')]}"
        required = counts.get(image.recipe, 1) > 0
        name, details = reference.partition("@")[0], engine.image(reference)
        items.append(
            ImageStatus(name, reference, image.variable, image.replicas, required, details)
        )
    for own in own_images():
        reference = settings.image(own)
        name = f"{LOCAL_REGISTRY}/{reference.partition('@')[0].rpartition('/')[2]}"
        details = engine.image(reference)
        items.append(ImageStatus(name, reference, OWN_VERSION_VARIABLE, "", True, details))
    return items


def env_variables(items: Iterable[ImageStatus]) -> dict[str, str]:
    """Return the variables for the `.env` of a host that has only these present images."""
    values = {PULL_POLICY: "never"}
    for item in items:
        tag = item.name.rpartition(":")[2]
        if item.details and not (item.is_own and tag == ImageVersions().alertdrill):
            values[item.variable] = tag
        if item.optional:
            values[item.optional] = "1" if item.details and item.required else "0"
    return values | {image.replicas: "0" for image in IMAGES if values.get(image.requires) == "0"}


def image_origin(item: ImageStatus, rows: Sequence[InventoryRow]) -> str:
    """Return an image's origin, or why it is missing."""
    if item.details is None:
        return "missing" if item.required else f"left out by {item.optional}=0"
    noted = [row.origin for row in rows if row.name == item.name]
    if noted:
        return noted[0]
    if item.is_own:
        return "apps/Dockerfile"
    return "a registry" if item.details.get("RepoDigests") else "this host"
