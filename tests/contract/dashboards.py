"""The dashboards as Grafana reads them, taken apart for the checks beside this."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
# What Grafana puts in place of its own words and a dashboard's variables.
FILLED = {
    r"\$__rate_interval|\$__auto|\$__interval": "1m",
    r"\$__range": "1h",
    r"\$\{?[a-z]+\}?": "web",
}


@dataclass(frozen=True)
class Panel:
    """A panel that shows something, and the dashboard that it is on."""

    dashboard: str
    fields: dict[str, Any]

    @property
    def name(self) -> str:
        """What a failed check says of it."""
        return f"{self.dashboard}: {self.title}"

    @property
    def title(self) -> str:
        return str(self.fields["title"])

    @property
    def targets(self) -> list[Target]:
        return [Target(self, found) for found in self.fields.get("targets") or []]


@dataclass(frozen=True)
class Target:
    """A query of a panel."""

    panel: Panel
    fields: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.panel.name} {self.fields['refId']}"

    @property
    def of_loki(self) -> bool:
        return bool(self.fields["datasource"]["uid"] == "loki")

    @property
    def expr(self) -> str:
        """The query with everything filled in that Grafana fills in."""
        return filled(self.fields["expr"])

    @property
    def legend(self) -> set[str]:
        """The labels that name its series."""
        return set(re.findall(r"\{\{(\w+)\}\}", self.fields.get("legendFormat") or ""))


def filled(text: str) -> str:
    for pattern, value in FILLED.items():
        text = re.sub(pattern, value, text)
    return text


def dashboards() -> dict[str, dict[str, Any]]:
    """Return what each file holds, by its stem."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in FILES}


def panels() -> list[Panel]:
    """Return every panel that shows something, none of the headings."""
    return [
        Panel(uid, panel)
        for uid, found in dashboards().items()
        for panel in found["panels"]
        if panel["type"] != "row"
    ]


def targets() -> list[Target]:
    """Return every query of every panel, and those of the marks."""
    asked = [target for panel in panels() for target in panel.targets]
    return [*asked, *_marks()]


def _marks() -> Iterator[Target]:
    for uid, found in dashboards().items():
        for mark in found["annotations"]["list"]:
            if "expr" in mark["target"]:
                yield Target(Panel(uid, {"title": mark["name"]}), mark["target"])
