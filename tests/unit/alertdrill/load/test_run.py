from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.load import run as module
from alertdrill.load.profile import LoadError, LoadProfile, load_profile
from alertdrill.load.result import Event
from alertdrill.load.run import LoadContext, create_context, measure, run
from tests.unit.alertdrill.declared_services import redeclare
from tests.unit.alertdrill.load.samples import FakePrometheus, native
from tests.unit.alertdrill.load.test_locust import entry

SMOKE = load_profile("smoke").resized(1, 60)
ALERT = Event("alert", "Saturated web", 1, 2)
ACTION = Event("action", "scale out web", 2, 3)
SCRAPED = {"timestamp(haproxy": 9e9, "timestamp(up": 1.0}
COUNTS = {
    'code="5xx"': 0,
    'proxy="public"': 60,
    'url_rule!="/"': 60,
    "server_http": 60,
    "0.95": 0.1,
    "count by (service)": [{"metric": {"service": "web"}, "value": [1061.0, "2"]}],
}


class Clock:
    """Starts every load at the time of the fake Prometheus's first sample."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let one alert and one action happen during every load."""
    fake_clock = Clock()
    monkeypatch.setattr(module, "time", fake_clock)
    monkeypatch.setattr("alertdrill.load.measurements.alert_events", lambda *_: [ALERT])
    monkeypatch.setattr("alertdrill.load.measurements.action_events", lambda *_: [ACTION])
    return fake_clock


def run_locust(_profile: LoadProfile, page: Path) -> str:
    page.write_text("Locust's page")
    return json.dumps([entry("/process", num_requests=60, response_times={"10": 60})])


def context_for(name: str = "compose", /, **answers: Any) -> LoadContext:
    runtime: Any = SimpleNamespace(
        name=name,
        address=lambda part: f"http://{part}",
        follows_new_instances=name == "native",
        follow=lambda *_: iter([[]] * 9),
    )
    return LoadContext(run_locust, runtime, FakePrometheus(**answers), {"web": 1}, print)


def test_result_has_gates_events_and_locusts_page(tmp_path: Path) -> None:
    result = run(SMOKE, context_for(**SCRAPED, **COUNTS), tmp_path)
    assert [gate.name for gate in result.gates] == ["requests", "errors", "p95", "counts agree"]
    assert (result.passed, result.runtime, result.instances) == (True, "compose", {"web": 2})
    assert result.events == [ALERT, ACTION]
    assert (tmp_path / "locust.html").exists()


def test_native_runtime_counts_access_lines(tmp_path: Path) -> None:
    result = run(SMOKE, context_for("native", **SCRAPED, **COUNTS), tmp_path)
    assert "lines 0" in result.gates[-1].values[1]
    assert not result.passed


def test_spike_must_recover(tmp_path: Path) -> None:
    result = run(load_profile("spike"), context_for(**SCRAPED, **COUNTS), tmp_path)
    assert [gate.name for gate in result.gates][3:5] == [
        "p95, 300 s into the peak",
        "instances at the end",
    ]
    assert result.gates[4].objective == "web 1"


def test_warmup_is_not_part_of_the_time_span(tmp_path: Path) -> None:
    profile = SMOKE.model_copy(update={"warmup": 5.0})
    result = measure(profile, context_for(**SCRAPED), tmp_path)
    assert result.span.begin == 1005
    assert result.gates[0].objective == "at least 44"  # 55 s, at four fifths
    assert result.rate == pytest.approx(60 / 55)


def test_load_starts_after_a_scrape_of_earlier_requests(tmp_path: Path, clock: Clock) -> None:
    started: list[LoadProfile] = []

    def run_load(profile: LoadProfile, _page: Path) -> str:
        started.append(profile)
        return ""

    with pytest.raises(LoadError, match=r"^Prometheus does not scrape the services"):
        run(SMOKE, replace(context_for(), run_load=run_load), tmp_path)
    assert started == []
    assert clock.now == pytest.approx(1025, abs=1)


def test_load_waits_until_instances_are_discovered(tmp_path: Path, clock: Clock) -> None:
    class FreshPrometheus(FakePrometheus):
        def value(self, promql: str) -> float | None:
            return super().value(promql) if clock.now > 1006 else None

    context = replace(context_for(), prometheus=FreshPrometheus(**SCRAPED, **COUNTS))
    assert run(SMOKE, context, tmp_path).passed
    assert clock.now > 1006


def test_events_without_a_responder_are_the_alerts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise LoadError("The responder does not list its actions.")

    messages: list[str] = []
    monkeypatch.setattr("alertdrill.load.measurements.action_events", fail)
    context = replace(context_for(**SCRAPED, **COUNTS), on_progress=messages.append)
    assert run(SMOKE, context, tmp_path).events == [ALERT]
    assert messages == ["The responder does not list its actions."]


def test_min_replicas_are_the_declared_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redeclare(monkeypatch, "web", min=1)
    context = create_context(StackSettings(tmp_path), native(), None, print)
    assert context.min_replicas == {**dict.fromkeys(SERVICES, 2), "web": 1}
