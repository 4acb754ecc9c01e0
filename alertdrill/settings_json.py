"""A stack's settings as JSON, for other processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .image_versions import ImageVersions
from .settings import Ports, Replicas, StackSettings


def to_json(settings: StackSettings) -> str:
    """Return settings as JSON; `from_dict` is the inverse."""
    return json.dumps(asdict(settings), default=str)


def from_dict(document: Mapping[str, Any]) -> StackSettings:
    """Return the settings of parsed JSON.

    Raises `TypeError` or `KeyError` for JSON of another version.
    """
    values = dict(document)
    values["home"] = Path(str(values["home"]))
    values["cache"] = Path(str(values["cache"])) if values["cache"] else None
    for name, model in (("ports", Ports), ("versions", ImageVersions), ("replicas", Replicas)):
        values[name] = model(**values[name])
    return StackSettings(**values)
