"""Read the alerts and their thresholds from the rule files, for panels to show them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("prometheus/rules", "loki/rules")
# The text before a comparison on its line, the operator, and the number after it.
COMPARISON = re.compile(r"^(.*?)(>=|<=|>|<)\s*([0-9]+(?:\.[0-9]+)?)\s*\)?$", re.MULTILINE)


class BuildError(Exception):
    """A dashboard refers to something that does not exist; the message says where to look."""


@dataclass(frozen=True)
class Alert:
    """An alert, as defined by its rule."""

    name: str
    expr: str
    severity: str

    def comparison(self, of: str) -> tuple[str, float]:
        """Return the operator and the number of the first comparison with `of` on its left.

        Without `of`, it is the first one on a line of its own, or else the first one. Raises
        `BuildError` if there is none.
        """
        comparisons = [
            (left.strip(), operator, float(number))
            for left, operator, number in COMPARISON.findall(self.expr)
        ]
        alone = [] if of else [item for item in comparisons if not item[0]]
        for _, operator, number in [*alone, *(item for item in comparisons if of in item[0])]:
            return operator, number
        like = f" like {of}" if of else ""
        raise BuildError(f"{self.name} compares nothing{like} with a number.")


@dataclass(frozen=True)
class Limit:
    """The number that an alert compares with, read from its rule when it is needed.

    `of` is a part of the left side of the comparison. With `of_remainder` the panel shows the rest
    of what the alert compares: 1 minus it.
    """

    alert: str
    of: str = ""
    of_remainder: bool = False

    @property
    def severity(self) -> str:
        """The severity of the alert."""
        return alert(self.alert).severity

    @property
    def value(self) -> float:
        """The number."""
        _, number = alert(self.alert).comparison(self.of)
        return 1 - number if self.of_remainder else number

    @property
    def above(self) -> bool:
        """Whether higher values of what the panel shows fire."""
        operator, _ = alert(self.alert).comparison(self.of)
        return (operator in (">", ">=")) is not self.of_remainder


@cache
def alerts(root: Path = ROOT) -> dict[str, Alert]:
    """Return all alerts of Prometheus and Loki by name."""
    files = [file for folder in FOLDERS for file in sorted((root / folder).glob("*.yml"))]
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return {
        rule["alert"]: Alert(rule["alert"], rule["expr"], rule["labels"]["severity"])
        for group in groups
        for rule in group["rules"]
        if "alert" in rule
    }


def alert(name: str) -> Alert:
    """Return an alert by name; raise `BuildError` if it does not exist."""
    if name not in alerts():
        raise BuildError(f"no alert named {name!r} in {' or '.join(FOLDERS)}: check its name there")
    return alerts()[name]
