"""The manifest of an archive: images, the variables for `.env` and the inventory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .errors import ArchiveError
from .inventory import InventoryRow

# Increase it with each change of the format, so that an older Alertdrill refuses the archive.
FORMAT = 1


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


@dataclass(frozen=True)
class Manifest:
    """The images of an archive, and their variables and inventory."""

    images: Sequence[ImageEntry]
    variables: Mapping[str, str]
    inventory: Sequence[InventoryRow]


def write(manifest: Manifest) -> str:
    """Return a manifest as JSON."""
    return json.dumps({"format": FORMAT, **asdict(manifest)}, indent=2) + "\n"


def read(text: str) -> Manifest:
    """Parse a manifest; raise `ArchiveError` if it is invalid."""
    try:
        value = json.loads(text)
        version = value["format"]
        if version != FORMAT:
            raise ArchiveError(f"its format is {version!r}, and this Alertdrill reads {FORMAT}")
        images = [
            ImageEntry(**{**item, "layers": tuple(item["layers"])}) for item in value["images"]
        ]
        rows = [InventoryRow(**row) for row in value["inventory"]]
        return Manifest(images, dict(value["variables"]), rows)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArchiveError("its manifest can't be read") from error
