"""The dashboards as text, and where the committed ones differ from it."""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from .dashboards import ALL
from .rules import ROOT

FOLDER = ROOT / "grafana" / "dashboards"


def text(dashboard: Dashboard) -> str:
    """Return a dashboard's JSON, the same for the same dashboard."""
    return (
        json.dumps(dashboard, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    )


def wanted() -> dict[str, str]:
    """Return the name and the text of every file."""
    return {f"{uid}.json": text(make()) for uid, make in ALL.items()}


def differing(folder: Path = FOLDER) -> list[str]:
    """Return the names of the files that the build would change, add or take away."""
    there = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}
    new = wanted()
    return sorted(name for name in {*there, *new} if there.get(name) != new.get(name))


def write(folder: Path = FOLDER) -> list[str]:
    """Make the folder what the build says; return the names of the files that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    new, changed = wanted(), differing(folder)
    for name in changed:
        if name in new:
            (folder / name).write_text(new[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed
