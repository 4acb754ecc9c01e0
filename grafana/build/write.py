"""Render the dashboards as JSON and compare them with the committed files."""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from .dashboards import ALL
from .rules import ROOT

FOLDER = ROOT / "grafana" / "dashboards"


def to_json(dashboard: Dashboard) -> str:
    """Return the JSON of a dashboard, with stable formatting."""
    return (
        json.dumps(dashboard, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    )


def rendered() -> dict[str, str]:
    """Return the rendered text of each file by its name."""
    return {f"{uid}.json": to_json(make()) for uid, make in ALL.items()}


def outdated(folder: Path = FOLDER) -> list[str]:
    """Return the names of the files that the build would change, add or delete."""
    committed = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}
    expected = rendered()
    return sorted(
        name for name in {*committed, *expected} if committed.get(name) != expected.get(name)
    )


def write(folder: Path = FOLDER) -> list[str]:
    """Write the changed files, delete surplus ones; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    expected, changed = rendered(), outdated(folder)
    for name in changed:
        if name in expected:
            (folder / name).write_text(expected[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed
