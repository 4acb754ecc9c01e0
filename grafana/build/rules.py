"""Read the alerts and their thresholds from the rule files, for panels to show them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .errors import BuildError

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("prometheus/rules", "loki/rules")
# The text before a comparison on its line, the operator, and the number after it.
COMPARISON = re.compile(r"^(.*?)(>=|<=|>|<)\s*([0-9]+(?:\.[0-9]+)?)\s*\)?$", re.MULTILINE)


@dataclass(frozen=True)
class Limit:
    """The number that an alert compares with; `above` means that higher values fire."""

    alert: str
    severity: str
    value: float
    above: bool


@dataclass(frozen=True)
class Alert:
    """An alert, as defined by its rule."""

    name: str
    expr: str
    severity: str

    def limits(self) -> list[tuple[str, Limit]]:
        """Return the limits in the order of the expression, each with the text to its left."""
        return [
            (
                left.strip(),
                Limit(self.name, self.severity, float(number), sign in (">", ">=")),
            )
            for left, sign, number in COMPARISON.findall(self.expr)
        ]


@cache
def alerts(root: Path = ROOT) -> dict[str, Alert]:
    """Return all alerts of Prometheus and Loki by name."""
    files = [file for folder in FOLDERS for file in sorted((root / folder).glob("*.yml"))]
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    parsed = [_alert(rule) for group in groups for rule in group["rules"] if "alert" in rule]
    return {alert.name: alert for alert in parsed}


def _alert(rule: dict[str, Any]) -> Alert:
    return Alert(rule["alert"], rule["expr"], rule["labels"]["severity"])


def alert(name: str) -> Alert:
    """Return an alert by name; raise `BuildError` if it does not exist."""
    alert = alerts().get(name)
    if alert is None:
        raise BuildError(f"no alert named {name!r} in {' or '.join(FOLDERS)}: check its name there")
    return alert


def limit(name: str, of: str = "") -> Limit:
    """Return the first limit of an alert whose left side contains `of`.

    Without `of`, it is the first limit on a line of its own, or else the first limit. Raises
    `BuildError` if there is none.
    """
    limits = alert(name).limits()
    alone = [] if of else [limit for left, limit in limits if not left]
    for first in [*alone, *(limit for left, limit in limits if of in left)]:
        return first
    raise BuildError(f"{name} compares nothing{f' like {of}' if of else ''} with a number.")
