"""The texts of panels that are empty by design, instead of "No data"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from grafana_foundation_sdk.models import dashboard

# The query check reads the same list.
LIST = Path(__file__).resolve().parents[1] / "expected_empty.yml"


def set_no_data_texts(uid: str, panels: Sequence[dashboard.Panel], file: Path = LIST) -> None:
    """Set the reason as the text of each panel of a dashboard that may be empty."""
    reasons = {
        entry["panel"]: entry["reason"]
        for entry in yaml.safe_load(file.read_text("utf-8"))
        if entry["dashboard"] == uid and "query" not in entry
    }
    for panel in panels:
        if panel.title in reasons and panel.field_config:
            panel.field_config.defaults.no_value = reasons[panel.title]
