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

    `time_series` are Prometheus's, by title; `events` are alerts and actions during the load.
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
        return all(gate.passed for gate in self.gates)

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        return self.ended - self.began


def as_json(report: Report) -> str:
    """Return the report as JSON, without the time series, which Prometheus keeps."""
    document: dict[str, Any] = {
        "passed": report.passed,
        "shape": report.profile.name,
        "users": report.users,
        "began": report.began,
        "ended": report.ended,
        "runtime": report.runtime,
        "gates": [asdict(gate) for gate in report.gates],
        "locust": asdict(report.locust.total),
        "prometheus": asdict(report.prometheus),
        "events": [asdict(event) for event in report.events],
        "requests": [
            {"method": method, "name": name, **asdict(stats)}
            for (method, name), stats in report.locust.requests.items()
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def junit(report: Report) -> str:
    """Return JUnit XML with one test case for each gate."""
    cases = [_case(f"loads.{report.profile.name}", gate) for gate in report.gates]
    return xml.to_xml("loads", cases, report.began, report.seconds)


def _case(suite: str, gate: GateResult) -> Case:
    text = sentence(gate)
    failure = None if gate.passed else Failure("objective", text)
    return Case(suite, gate.name, failure=failure, output=text)


def sentence(gate: GateResult) -> str:
    """Return the objective and both measurements as a sentence."""
    locust, prometheus = gate.values
    return f"{gate.name}: {gate.objective}; Locust has {locust}, Prometheus {prometheus}."
