"""A file in the virtual environment that records which requirements are installed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FILE = "alertdrill.json"


class Step(Enum):
    """The next step of an installation."""

    NOTHING = "nothing"
    ADD = "add"
    BUILD = "build"


@dataclass(frozen=True)
class Stamp:
    """The contents of an environment: its Python, its path, and each requirement file's hash.

    `complete` is false from before the first change until everything is installed.
    """

    python: str
    path: str
    requirements: Mapping[str, str]
    complete: bool = True


def next_step(stamp: Stamp | None, target: Stamp, *, works: bool) -> Step:
    """Return the next step for an environment; `works` tells whether its Python runs.

    An environment that works without a stamp was created by another tool: we install into it.
    """
    if not works:
        return Step.BUILD
    if stamp is None:
        return Step.ADD
    moved = (stamp.python, stamp.path) != (target.python, target.path)
    installed = stamp.requirements
    changed = any(
        installed.get(name, digest) != digest for name, digest in target.requirements.items()
    )
    if moved or changed or not stamp.complete:
        return Step.BUILD
    return Step.NOTHING if target.requirements.keys() <= installed.keys() else Step.ADD


def read_stamp(folder: Path) -> Stamp | None:
    """Return the stamp of the environment in `folder`; None if it has none."""
    try:
        values: dict[str, Any] = json.loads((folder / _FILE).read_text())
        return Stamp(**values)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return Stamp("", "", {}, complete=False)  # unreadable: rebuild the environment


def write_stamp(folder: Path, stamp: Stamp) -> None:
    """Write the stamp atomically."""
    fresh = folder / f"{_FILE}.new"
    fresh.write_text(json.dumps(vars(stamp), indent=1))
    fresh.replace(folder / _FILE)
