"""The alerts that there are, from the rule files themselves."""

from __future__ import annotations

from pathlib import Path

import yaml

from ..errors import AlertdrillError
from ..settings import ROOT

# By what evaluates them.
OF_PROMETHEUS = ROOT / "prometheus" / "rules"
OF_LOKI = ROOT / "loki" / "rules"


def alerts() -> list[str]:
    """Return the name of every alert."""
    return [*within(OF_PROMETHEUS), *within(OF_LOKI)]


def within(folder: Path) -> list[str]:
    """Return the name of every alert of a folder, in the order of its files."""
    names: list[str] = []
    for file in sorted(folder.glob("*.yml")):
        try:
            groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        except (yaml.YAMLError, OSError, KeyError, TypeError) as error:
            raise AlertdrillError(f"{file} can't be read: {error}.") from error
        names += [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    return names
