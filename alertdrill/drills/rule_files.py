"""The names of all alerts, from the rule files."""

from __future__ import annotations

from pathlib import Path

import yaml

from ..config import ROOT
from ..errors import AlertdrillError

PROMETHEUS_RULES = ROOT / "prometheus" / "rules"
LOKI_RULES = ROOT / "loki" / "rules"


def alert_names() -> list[str]:
    """Return the name of every alert."""
    return [*alert_names_in(PROMETHEUS_RULES), *alert_names_in(LOKI_RULES)]


def alert_names_in(folder: Path) -> list[str]:
    """Return the name of every alert of a folder, in the order of its files."""
    names: list[str] = []
    for file in sorted(folder.glob("*.yml")):
        try:
            groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        except (yaml.YAMLError, OSError, KeyError, TypeError) as error:
            raise AlertdrillError(f"{file}: cannot read the rules: {error}.") from error
        names += [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    return names
