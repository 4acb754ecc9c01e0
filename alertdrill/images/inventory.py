"""The inventory of built images and their origin: var/images/inventory.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import BuildError


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


def inventory_path(home: Path) -> Path:
    """Return the path of the inventory."""
    return home / "images" / "inventory.json"


def write_inventory(home: Path, rows: Sequence[InventoryRow]) -> Path:
    """Write the inventory and return its path."""
    file = inventory_path(home)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"images": [asdict(row) for row in rows]}, indent=2) + "\n")
    except OSError as error:
        raise BuildError(f"{file} can't be written: {error.strerror}.") from error
    return file


def read_inventory(home: Path) -> list[InventoryRow]:
    """Return the rows of the inventory; none without a file."""
    try:
        return [
            InventoryRow(**row) for row in json.loads(inventory_path(home).read_text())["images"]
        ]
    except (OSError, ValueError, TypeError, KeyError):
        return []
