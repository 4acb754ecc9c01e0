"""The committed dashboards, as panels and queries for the tests in this folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
# Values for Grafana's own variables and for those of a dashboard.
VALUES = {
    r"\$__rate_interval|\$__auto|\$__interval": "1m",
    r"\$__range": "1h",
    r"\$\{?[a-z]+\}?": "web",
}


@dataclass(frozen=True)
class Panel:
    """A panel that is no heading, and its dashboard."""

    dashboard: str
    fields: dict[str, Any]

    @property
    def name(self) -> str:
        """The name in the message of a failed test."""
        return f"{self.dashboard}: {self.title}"

    @property
    def title(self) -> str:
        return str(self.fields["title"])

    @property
    def targets(self) -> list[Target]:
        return [Target(self, fields) for fields in self.fields.get("targets") or []]


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
        """The query with a value for each variable."""
        return filled(self.fields["expr"])

    @property
    def legend(self) -> set[str]:
        """The labels that name its series."""
        return set(re.findall(r"\{\{(\w+)\}\}", self.fields.get("legendFormat") or ""))


def filled(text: str) -> str:
    for pattern, value in VALUES.items():
        text = re.sub(pattern, value, text)
    return text


def dashboards() -> dict[str, dict[str, Any]]:
    """Return each dashboard by the stem of its file."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in FILES}


def panels() -> list[Panel]:
    """Return every panel except headings."""
    return [
        Panel(uid, panel)
        for uid, dashboard in dashboards().items()
        for panel in dashboard["panels"]
        if panel["type"] != "row"
    ]


def targets() -> list[Target]:
    """Return every query of every panel and annotation."""
    of_panels = [target for panel in panels() for target in panel.targets]
    return [*of_panels, *_annotations()]


def _annotations() -> Iterator[Target]:
    for uid, dashboard in dashboards().items():
        for annotation in dashboard["annotations"]["list"]:
            if "expr" in annotation["target"]:
                yield Target(Panel(uid, {"title": annotation["name"]}), annotation["target"])
