"""What a panel says instead of "No data": why there is none, where that is by design."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from grafana_foundation_sdk.models import dashboard

# The list that excuses a panel before the proof, too.
LIST = Path(__file__).resolve().parents[1] / "empty.yml"


def explain(uid: str, panels: Sequence[dashboard.Panel], file: Path = LIST) -> None:
    """Have each panel of a dashboard that may be empty as a whole show the reason."""
    reasons = {
        entry["panel"]: entry["reason"]
        for entry in yaml.safe_load(file.read_text("utf-8"))
        if entry["dashboard"] == uid and "query" not in entry
    }
    for panel in panels:
        if panel.title in reasons and panel.field_config:
            panel.field_config.defaults.no_value = reasons[panel.title]
