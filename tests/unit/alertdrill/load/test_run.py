from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.load import run as module
from alertdrill.load.measurements import Event
from alertdrill.load.profile import LoadError, LoadProfile, LoadSize, load_profile
from alertdrill.load.run import LoadContext, create_context, measure, run
from tests.unit.alertdrill.load.test_locust import entry
from tests.unit.alertdrill.load.test_measurements import FakePrometheus

ALERT = Event("alert", "Saturated web", 1, 2)
SCRAPED = {"timestamp(haproxy": 9e9, "timestamp(up": 1.0}
COUNTS = {
    'code="5xx"': 0,
    'proxy="public"': 60,
    'url_rule!="/"': 60,
    "server_http": 60,
    "0.95": 0.1,
}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every load at the time of the fake Prometheus's first sample."""
    fake_clock = SimpleNamespace(time=lambda: 1000.0, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr(module, "time", fake_clock)


def run_locust(_profile: LoadProfile, _size: LoadSize, page: Path) -> str:
    page.write_text("Locust's page")
    return json.dumps([entry("/process", num_requests=60, response_times={"10": 60})])


@pytest.fixture(autouse=True)
def alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one alert and no action happen during every load."""
    monkeypatch.setattr("alertdrill.load.measurements.alert_events", lambda *_: [ALERT])
    monkeypatch.setattr("alertdrill.load.measurements.action_events", lambda *_: [])


def context_for(name: str, **answers: float) -> LoadContext:
    runtime: Any = SimpleNamespace(
        name=name,
        address=lambda part: f"http://{part}",
        follows_new_instances=name == "native",
        follow=lambda *_: iter([[]] * 9),
    )
    return LoadContext(run_locust, runtime, FakePrometheus(**answers), {"web": 1}, print)


def test_report_has_gates_events_and_locusts_page(tmp_path: Path) -> None:
    report = run(
        load_profile("smoke"),
        LoadSize(1, 60),
        context_for("compose", **SCRAPED, **COUNTS),
        tmp_path,
    )
    assert [gate.name for gate in report.gates] == ["requests", "errors", "p95", "counts agree"]
    assert (report.passed, report.runtime) == (True, "compose")
    assert [event.name for event in report.events] == ["Saturated web"]
    assert (tmp_path / "locust.html").exists()


def test_native_runtime_counts_access_lines(tmp_path: Path) -> None:
    report = run(
        load_profile("smoke"), LoadSize(1, 60), context_for("native", **SCRAPED, **COUNTS), tmp_path
    )
    assert "lines 0" in report.gates[-1].values[1]
    assert not report.passed


def test_warmup_is_not_part_of_the_time_span(tmp_path: Path) -> None:
    profile = load_profile("smoke").model_copy(update={"warmup": 5.0})
    without_warmup = measure(
        load_profile("smoke"), LoadSize(1, 60), context_for("compose", **SCRAPED), tmp_path
    )
    with_warmup = measure(profile, LoadSize(1, 60), context_for("compose", **SCRAPED), tmp_path)
    assert with_warmup.time_span.begin - without_warmup.time_span.begin >= 5
    assert with_warmup.gates[0].objective == "at least 44"  # 55 s, at four fifths


def test_missing_scrape_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCRAPE_TIMEOUT_S", 0)
    with pytest.raises(LoadError, match=r"^Prometheus does not scrape every instance"):
        measure(load_profile("smoke"), LoadSize(1, 60), context_for("compose"), tmp_path)


def test_load_starts_after_a_scrape_of_earlier_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCRAPE_TIMEOUT_S", 0)
    started: list[LoadProfile] = []

    def run_load(profile: LoadProfile, _size: LoadSize, _page: Path) -> str:
        started.append(profile)
        return ""

    context = replace(context_for("compose"), run_load=run_load)
    with pytest.raises(LoadError, match=r"^Prometheus does not scrape every instance"):
        run(load_profile("smoke"), LoadSize(1, 60), context, tmp_path)
    assert started == []


def test_min_replicas_are_the_configured_instances(tmp_path: Path) -> None:
    settings = StackSettings(tmp_path, instances={"web": 1})
    runtime: Any = SimpleNamespace(name="native", address=lambda part: f"http://{part}")
    assert create_context(settings, runtime, None, print).min_replicas == {
        **dict.fromkeys(SERVICES, 2),
        "web": 1,
    }


def test_events_without_a_responder_are_the_alerts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise LoadError("The responder does not list its actions.")

    messages: list[str] = []
    monkeypatch.setattr("alertdrill.load.measurements.action_events", fail)
    context = replace(context_for("compose", **SCRAPED, **COUNTS), on_progress=messages.append)
    assert run(load_profile("smoke"), LoadSize(1, 60), context, tmp_path).events == [ALERT]
    assert messages == ["The responder does not list its actions."]


def test_events_are_alerts_then_actions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    action = Event("action", "scale out web", 2, 3)
    monkeypatch.setattr("alertdrill.load.measurements.action_events", lambda *_: [action])
    context = context_for("compose", **SCRAPED, **COUNTS)
    report = run(load_profile("smoke"), LoadSize(1, 60), context, tmp_path)
    assert report.events == [ALERT, action]


def test_load_waits_until_instances_are_discovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    fake_clock = SimpleNamespace(
        time=lambda: 1000.0,
        monotonic=lambda: clock[0],
        sleep=lambda seconds: clock.__setitem__(0, clock[0] + seconds),
    )
    monkeypatch.setattr(module, "time", fake_clock)

    class FreshPrometheus(FakePrometheus):
        def value(self, promql: str) -> float | None:
            return super().value(promql) if clock[0] > 1006 else None

        def scrape_interval(self) -> float:
            return 5 / 12

    context = replace(context_for("compose"), prometheus=FreshPrometheus(**SCRAPED, **COUNTS))
    assert run(load_profile("smoke"), LoadSize(1, 60), context, tmp_path).passed
    assert clock[0] > 1006
