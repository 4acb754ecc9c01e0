"""The test data of LogQL alerts: lines and expected results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alertdrill.config.durations import parse_seconds
from alertdrill.drills.expression import LOKI_RULES
from alertdrill.timescale.render import render

HERE = Path(__file__).parent


@dataclass(frozen=True)
class LineSpec:
    """Equal lines: `count` of them, evenly over the time from `begin` to `end` (seconds).

    The last one is at `end`. `numbered_field` names a field with another number in each line. The
    texts differ too, because Loki deduplicates lines with the same text and time.
    """

    labels: Mapping[str, str]
    fields: Mapping[str, str]
    count: int
    begin: float
    end: float
    numbered_field: str = ""

    def stream(self, origin: float) -> dict[str, Any]:
        """Return them in the format of Loki's push API, with times relative to `origin`."""
        step = (self.end - self.begin) / self.count
        return {
            "stream": dict(self.labels),
            "values": [
                self._value(origin + self.begin + step * number, number)
                for number in range(1, self.count + 1)
            ],
        }

    def _value(self, at: float, number: int) -> list[Any]:
        fields = numbered({"fields": self.fields, "numbered_field": self.numbered_field}, number)
        return [f"{at * 1e9:.0f}", f"{fields} {number}", fields]


@dataclass(frozen=True)
class Case:
    """Lines, and the expected samples of the alert's expression at a time (seconds)."""

    name: str
    lines: Sequence[LineSpec]
    at: float
    result: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class AlertTests:
    """The tests of an alert: cases of its expression, and its firing on a feed of lines.

    `after` is the rule's `for`, in seconds; `equivalent` has undetectable mutations, each
    with its reason.
    """

    alert: str
    cases: Sequence[Case]
    equivalent: Mapping[str, str]
    feed: Sequence[Mapping[str, Any]]
    after: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def numbered(lines: Mapping[str, Any], number: int) -> dict[str, str]:
    """Return the fields of a line; its `numbered_field`, if any, ends with its number."""
    fields: dict[str, str] = lines.get("fields", {})
    name = lines.get("numbered_field")
    return {**fields, name: f"{fields.get(name, '')}{number}"} if name else fields


def rule(alert: str, speed: float = 1.0) -> dict[str, Any]:
    """Return an alert's rule at a speed."""
    for file in sorted(LOKI_RULES.glob("*.yml")):
        rendered = render(file.read_text(), speed, "logql")
        for group in yaml.safe_load(rendered)["groups"]:
            for rule in group["rules"]:
                if rule["alert"] == alert:
                    return dict(rule)
    raise AssertionError(f"no alert named {alert} in loki/rules")


def all_test_files() -> Iterator[AlertTests]:
    """Yield the tests of each alert."""
    for file in sorted(HERE.glob("*.yml")):
        read = yaml.safe_load(file.read_text())
        yield AlertTests(
            file.stem,
            [_case(case) for case in read["expression"]],
            read.get("equivalent", {}),
            read["fires"]["lines"],
            parse_seconds(read["fires"]["after"]),
            read["fires"]["labels"],
            read["fires"]["annotations"],
        )


def _case(read: Mapping[str, Any]) -> Case:
    lines = [
        LineSpec(
            entry["labels"],
            entry.get("fields", {}),
            entry["count"],
            parse_seconds(entry.get("from", "0s")),
            parse_seconds(entry["to"]),
            entry.get("numbered_field", ""),
        )
        for entry in read["lines"]
    ]
    return Case(read["name"], lines, parse_seconds(read["at"]), read["result"])
