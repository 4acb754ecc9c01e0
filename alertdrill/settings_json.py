"""A stack's settings as JSON, for a process that has to know them whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .image_versions import ImageVersions
from .settings import Ports, Replicas, StackSettings


def to_json(settings: StackSettings) -> str:
    """Return settings as text; `read` makes the same of it again."""
    return json.dumps(asdict(settings), default=str)


def from_dict(found: Mapping[str, Any]) -> StackSettings:
    """Return the settings that were written, once their JSON is read.

    Raises `TypeError` or `KeyError` for those of another version.
    """
    values = dict(found)
    values["home"] = Path(str(values["home"]))
    values["cache"] = Path(str(values["cache"])) if values["cache"] else None
    for name, made in (("ports", Ports), ("versions", ImageVersions), ("replicas", Replicas)):
        values[name] = made(**values[name])
    return StackSettings(**values)
