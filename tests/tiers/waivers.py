"""Waivers: checks that did not run because this machine lacks something, counted by reason.

A part leaves JUnit files (pytest's, and those of drills) and, where it could not begin at all, a
file `waivers` with a line `COUNT<tab>REASON` each.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass(frozen=True)
class Waiver:
    """How many tests or drills did not run, and why."""

    count: int
    reason: str


def read_waivers(output: Path) -> list[Waiver]:
    """Return the waivers of a part's output folder, the largest first.

    Raises ValueError if a line of `waivers` is not a count and a reason.
    """
    counts: Counter[str] = Counter()
    for file in sorted(output.rglob("*.xml")):
        counts.update(skipped(file))
    listed = output / "waivers"
    for line in listed.read_text().splitlines() if listed.exists() else ():
        count, _, reason = line.partition("\t")
        if not reason or not count.isdecimal():
            raise ValueError(f"{listed}: {line!r} is no COUNT<tab>REASON.")
        counts[reason] += int(count)
    return [Waiver(count, reason) for reason, count in counts.most_common()]


def skipped(junit: Path) -> list[str]:
    """Return the reason of each skipped test case of a JUnit file, expected failures left out."""
    elements = [case.find("skipped") for case in _cases(junit)]
    return [
        element.get("message", "") or "no reason given"
        for element in elements
        if element is not None and element.get("type") != "pytest.xfail"
    ]


def failed(junit: Path, kind: str = "") -> list[str]:
    """Return the names of the failed test cases of a JUnit file, all or those of a failure type."""
    elements = {
        case.get("name", ""): element
        for case in _cases(junit)
        for element in (*case.findall("failure"), *case.findall("error"))
    }
    return [name for name, element in elements.items() if kind in ("", element.get("type"))]


def _cases(junit: Path) -> list[ET.Element]:
    """Return the test cases; none of a file that was cut off, as by a kill while it was written."""
    try:
        return list(ET.parse(junit).iter("testcase"))
    except ET.ParseError:
        return []
