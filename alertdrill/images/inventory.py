"""What was made, and what came from where: var/images/inventory.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import BuildError


@dataclass(frozen=True, slots=True)
class Row:
    """An image: its name, the version of the program inside, where that came from, the bytes.

    `sha256` is the program's, where it came from the host's PATH.
    """

    name: str
    version: str
    origin: str
    sha256: str
    size: int


def place(home: Path) -> Path:
    """Return where the inventory is, in the folder that holds everything a run writes."""
    return home / "images" / "inventory.json"


def write(home: Path, rows: Sequence[Row]) -> Path:
    """Write the inventory and return where it is."""
    file = place(home)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"images": [asdict(row) for row in rows]}, indent=2) + "\n")
    except OSError as error:
        raise BuildError(f"{file} can't be written: {error.strerror}.") from error
    return file


def read(home: Path) -> list[Row]:
    """Return the rows of the inventory; there are none where nothing was made or loaded."""
    try:
        return [Row(**row) for row in json.loads(place(home).read_text())["images"]]
    except (OSError, ValueError, TypeError, KeyError):
        return []
