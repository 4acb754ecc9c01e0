"""Compare the files of a folder before and after."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def contents(folder: Path) -> Mapping[str, bytes | None]:
    """Return the content of each file below a folder, and None for each folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
