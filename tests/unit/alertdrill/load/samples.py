"""A fake Prometheus, and a spike load that missed one objective and scaled the service out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alertdrill.clients.prometheus import Line, Prometheus
from alertdrill.load.capacity import Capacity
from alertdrill.load.gates import objective_gates
from alertdrill.load.measurements import chart_lines
from alertdrill.load.profile import load_profile
from alertdrill.load.result import Event, LoadResult, LocustStats, RequestStats, TimeSpan
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

BEGAN, SECONDS = 1_800_000_000.0, 360


class FakePrometheus(Prometheus):
    """A Prometheus that answers by a word in the query and records the queries.

    A counter started at 100 and grew by the answer; a range is a list of lines.
    """

    def __init__(self, **answers: Any) -> None:
        super().__init__("http://prometheus")
        self.answers = answers
        self.queries: list[str] = []

    def _answer(self, query: str) -> Any:
        self.queries.append(query)
        return next((answer for word, answer in self.answers.items() if word in query), None)

    def value(self, promql: str) -> float | None:
        answer: float | None = self._answer(promql)
        return answer

    def not_scraped_since(self, services: Iterable[str], moment: float) -> list[str]:
        return []

    def scrape_interval(self) -> float:
        return 5.0

    def query(self, query: str, at: float | None = None) -> list[Any]:
        answer = self._answer(query)
        if answer is None or isinstance(answer, list):
            return answer or []
        return [{"metric": {}, "values": [(999.0, "100"), (1061.0, str(100 + answer))]}]

    def query_range(self, query: str, span: tuple[float, float], step: float) -> list[Line]:
        begin, end = span
        answer = self._answer(f"{query} {begin:.0f} {end:.0f} {step}")
        return answer if isinstance(answer, list) else []


def _line(value: float, spike: float, **labels: str) -> Line:
    times = [BEGAN + at for at in range(0, SECONDS, 5)]
    return Line(labels, [(at, spike if 90 < at - BEGAN < 270 else value) for at in times])


def result(*, failures: int = 900) -> LoadResult:
    """Return a result with this number of failures."""
    profile = load_profile("spike").resized(120, SECONDS)
    span = TimeSpan(BEGAN, BEGAN + SECONDS)
    locust = LocustStats(
        RequestStats(25_000, failures, 1.4),
        {
            ("POST", "/process"): RequestStats(24_000, failures, 1.4),
            ("GET", "/<b>"): RequestStats(1_000, 0, None),
        },
        {int(BEGAN) + at: 118 if 90 < at < 270 else 24 for at in range(0, SECONDS, 5)},
        {int(BEGAN) + 95: 12} if failures else {},
    )
    prometheus = RequestStats(25_072, failures, 1.2)
    answers = {
        "requests_total": [_line(24, 115)],
        "5xx": [_line(0, 2)],
        "locust": [_line(0.02, 1.2)],
        "flask": [_line(0.02, 0.1)],
        "up{": [_line(2, 4, service="web"), _line(2, 2, service="data-service")],
    }
    return LoadResult(
        profile=profile,
        runtime="native",
        span=span,
        locust=locust,
        prometheus=prometheus,
        instances={"web": 4, "data-service": 2},
        gates=objective_gates(profile, locust.total, prometheus),
        charts=chart_lines(FakePrometheus(**answers), profile, span, locust),
        events=[
            Event("alert", "Saturated web", BEGAN + 160, BEGAN + 250),
            Event("action", "scale out web", BEGAN + 175, BEGAN + 177),
            Event("alert", "Overprovisioned <web>", BEGAN + 330, None),
        ],
    )


def step(users: int, *, holds: bool) -> LoadResult:
    """Return a 10 s search step with 2 instances of web and 1 of data-service."""
    profile = load_profile("capacity").resized(users, 15.0)
    stats = RequestStats(10 * users, 0, 0.1 if holds else 0.9)
    return LoadResult(
        profile=profile,
        runtime="native",
        span=TimeSpan(BEGAN, BEGAN + 10),
        locust=LocustStats(stats, {}, {}, {}),
        prometheus=stats,
        instances={"web": 2, "data-service": 1},
        gates=objective_gates(profile, stats, stats),
    )


def capacity_of(*, passed: int, missed: int) -> Capacity:
    """Return the capacity from a search of at most two steps; 0 leaves a step out."""
    return Capacity([step(users, holds=users == passed) for users in (passed, missed) if users])


def native(*instances: str) -> FakeRuntime:
    """Return a native runtime with these instances."""
    runtime = FakeRuntime()
    runtime.name = "native"
    runtime.running = [instance(name) for name in instances]
    runtime.urls = {"lb": "http://127.0.0.1:8080/", "prometheus": "http://127.0.0.1:9090"}
    return runtime
