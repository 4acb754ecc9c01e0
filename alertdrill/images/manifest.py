"""What is in a set of images: names, ids, sizes, the variables for `.env` and the inventory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .errors import ArchiveError
from .inventory import InventoryRow

# Whoever changes the form of a set changes this, so that an older Alertdrill can say so.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """An image of a set.

    `layers` are the hashes of its files; `id` also covers how it starts, but two kinds of engine
    compute it differently.
    """

    name: str
    id: str
    size: int
    layers: tuple[str, ...]

    def matches(self, found: Mapping[str, Any]) -> bool:
        """Tell whether an image of the engine is this one."""
        return found["Id"] == self.id or tuple(found["RootFS"]["Layers"]) == self.layers


@dataclass(frozen=True)
class Manifest:
    """A set of images, and what the host that gets it must know."""

    images: Sequence[ImageEntry]
    variables: Mapping[str, str]
    inventory: Sequence[InventoryRow]


def write(manifest: Manifest) -> str:
    """Write a manifest as text."""
    return json.dumps({"format": FORMAT, **asdict(manifest)}, indent=2) + "\n"


def read(text: str) -> Manifest:
    """Read a manifest; raise `ArchiveError` for what is none."""
    try:
        value = json.loads(text)
        found = value["format"]
        if found != FORMAT:
            raise ArchiveError(f"its form is {found!r}, and this Alertdrill reads {FORMAT}")
        images = [
            ImageEntry(**{**item, "layers": tuple(item["layers"])}) for item in value["images"]
        ]
        rows = [InventoryRow(**row) for row in value["inventory"]]
        return Manifest(images, dict(value["variables"]), rows)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArchiveError("its manifest can't be read") from error
