"""The result of a load, as JSON and as JUnit XML. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .. import junit as xml
from ..drills.result import Line
from ..junit import Case, Failure
from .events import Event
from .gates import GateResult
from .locust_stats import LocustStats, RequestStats
from .profile import LoadProfile


@dataclass(frozen=True)
class Report:
    """The result of a load; times are in seconds since 1970.

    `courses` are Prometheus's, by what they show, and `marks` what happened meanwhile.
    """

    profile: LoadProfile
    users: int
    began: float
    ended: float
    runtime: str
    locust: LocustStats
    prometheus: RequestStats
    gates: Sequence[GateResult]
    time_series: Mapping[str, Sequence[Line]]
    events: Sequence[Event] = ()

    @property
    def passed(self) -> bool:
        """Return whether every gate passed."""
        return all(check.passed for check in self.gates)

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        return self.ended - self.began


def as_json(report: Report) -> str:
    """Return the report as JSON, without the time series, which Prometheus keeps."""
    found: dict[str, Any] = {
        "passed": report.passed,
        "shape": report.profile.name,
        "users": report.users,
        "began": report.began,
        "ended": report.ended,
        "runtime": report.runtime,
        "gates": [asdict(check) for check in report.gates],
        "locust": asdict(report.locust.total),
        "prometheus": asdict(report.prometheus),
        "events": [asdict(mark) for mark in report.events],
        "requests": [
            {"method": method, "name": name, **asdict(numbers)}
            for (method, name), numbers in report.locust.requests.items()
        ],
    }
    return json.dumps(found, indent=2) + "\n"


def junit(report: Report) -> str:
    """Return JUnit XML with one test case for each gate."""
    cases = [_case(f"loads.{report.profile.name}", check) for check in report.gates]
    return xml.to_xml("loads", cases, report.began, report.seconds)


def _case(suite: str, check: GateResult) -> Case:
    said = sentence(check)
    fault = None if check.passed else Failure("objective", said)
    return Case(suite, check.name, failure=fault, output=said)


def sentence(check: GateResult) -> str:
    """Return the objective and both measurements as a sentence."""
    locust, prometheus = check.values
    return f"{check.name}: {check.objective}; Locust has {locust}, Prometheus {prometheus}."
