"""What came of a load, for programs (JSON) and for CI (JUnit's XML). Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .. import junit as xml
from ..drills.result import Line
from ..junit import Case, Failure
from .marks import Mark
from .plan import Plan
from .stats import Numbers, Stats
from .verdict import Check


@dataclass(frozen=True)
class Report:
    """A load that was made; moments are seconds since 1970.

    `courses` are Prometheus's, by what they show, and `marks` what happened meanwhile.
    """

    plan: Plan
    users: int
    began: float
    ended: float
    runtime: str
    locust: Stats
    prometheus: Numbers
    checks: Sequence[Check]
    courses: Mapping[str, Sequence[Line]]
    marks: Sequence[Mark] = ()

    @property
    def passed(self) -> bool:
        """Tell whether every objective holds."""
        return all(check.passed for check in self.checks)

    @property
    def seconds(self) -> float:
        """Return how long it was."""
        return self.ended - self.began


def as_json(report: Report) -> str:
    """Return all but the courses, which Prometheus keeps."""
    found: dict[str, Any] = {
        "passed": report.passed,
        "shape": report.plan.name,
        "users": report.users,
        "began": report.began,
        "ended": report.ended,
        "runtime": report.runtime,
        "checks": [asdict(check) for check in report.checks],
        "locust": asdict(report.locust.total),
        "prometheus": asdict(report.prometheus),
        "marks": [asdict(mark) for mark in report.marks],
        "requests": [
            {"method": method, "name": name, **asdict(numbers)}
            for (method, name), numbers in report.locust.requests.items()
        ],
    }
    return json.dumps(found, indent=2) + "\n"


def junit(report: Report) -> str:
    """Return JUnit's XML: one test case an objective."""
    cases = [_case(f"loads.{report.plan.name}", check) for check in report.checks]
    return xml.to_xml("loads", cases, report.began, report.seconds)


def _case(suite: str, check: Check) -> Case:
    said = sentence(check)
    fault = None if check.passed else Failure("objective", said)
    return Case(suite, check.what, failure=fault, output=said)


def sentence(check: Check) -> str:
    """Say what the objective is and what each has counted."""
    locust, prometheus = check.seen
    return f"{check.what}: {check.objective}; Locust has {locust}, Prometheus {prometheus}."
