"""The stamp in a virtual environment: what is installed there, and so what is left to do."""

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
    """What has to be done to an environment."""

    NOTHING = "nothing"
    ADD = "add"
    BUILD = "build"


@dataclass(frozen=True)
class Stamp:
    """What an environment holds: for which Python, and the hash of each requirement file.

    `complete` is false from before the first change until everything is installed.
    """

    python: str
    place: str
    requirements: Mapping[str, str]
    complete: bool = True


def next_step(stamp: Stamp | None, wanted: Stamp, *, works: bool) -> Step:
    """Return what an environment needs; `works` tells whether its Python runs.

    An environment that works without a stamp was created by another tool: we install into it.
    """
    if not works:
        return Step.BUILD
    if stamp is None:
        return Step.ADD
    moved = (stamp.python, stamp.place) != (wanted.python, wanted.place)
    held = stamp.requirements
    changed = any(held.get(name, digest) != digest for name, digest in wanted.requirements.items())
    if moved or changed or not stamp.complete:
        return Step.BUILD
    return Step.NOTHING if wanted.requirements.keys() <= held.keys() else Step.ADD


def read_stamp(folder: Path) -> Stamp | None:
    """Return the stamp of the environment in `folder`; None if it never had one."""
    try:
        values: dict[str, Any] = json.loads((folder / _FILE).read_text())
        return Stamp(**values)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return Stamp("", "", {}, complete=False)  # unreadable, so nothing is known: build anew


def write_stamp(folder: Path, stamp: Stamp) -> None:
    """Write the stamp whole or not at all."""
    fresh = folder / f"{_FILE}.new"
    fresh.write_text(json.dumps(vars(stamp), indent=1))
    fresh.replace(folder / _FILE)
