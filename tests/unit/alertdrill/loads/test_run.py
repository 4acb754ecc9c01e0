import json
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.loads import run as module
from alertdrill.loads.errors import LoadError
from alertdrill.loads.events import Event
from alertdrill.loads.profile import LoadProfile, load_profile
from alertdrill.loads.run import LoadContext, LoadSize, measure, run
from tests.unit.alertdrill.loads.test_locust_stats import entry
from tests.unit.alertdrill.loads.test_measurements import Fake

SCRAPED = {"timestamp(haproxy": 9e9, "timestamp(up": 1.0}
COUNTED = {
    'code="5xx"': 0,
    'proxy="public"': 60,
    'url_rule!="/"': 60,
    "server_http": 60,
    "0.95": 0.1,
}


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every load begin when the fake Prometheus's counters were last at rest."""
    clock = SimpleNamespace(time=lambda: 1000.0, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr(module, "time", clock)


def make(_plan: LoadProfile, _size: LoadSize, page: Path) -> str:
    page.write_text("Locust's page")
    return json.dumps([entry("/process", num_requests=60, response_times={"10": 60})])


def ground(name: str, **answers: float) -> LoadContext:
    runtime: Any = SimpleNamespace(
        name=name, follows_new_instances=name == "native", follow=lambda *_: iter([[]] * 9)
    )
    mark = Event("alert", "Saturated web", 0, None)
    return LoadContext(make, runtime, Fake(**answers), {"web": 1}, lambda _: [mark])


def test_report_has_what_all_parties_say(tmp_path: Path) -> None:
    report = run(
        load_profile("smoke"), LoadSize(1, 60), ground("compose", **SCRAPED, **COUNTED), tmp_path
    )
    assert [check.name for check in report.gates] == ["requests", "errors", "p95", "counts agree"]
    assert (report.passed, report.runtime) == (True, "compose")
    assert [mark.name for mark in report.events] == ["Saturated web"]
    assert (tmp_path / "locust.html").exists()


def test_lines_are_counted_natively(tmp_path: Path) -> None:
    report = run(
        load_profile("smoke"), LoadSize(1, 60), ground("native", **SCRAPED, **COUNTED), tmp_path
    )
    assert "lines 0" in report.gates[-1].values[1]
    assert not report.passed


def test_warmup_is_no_part_of_the_span(tmp_path: Path) -> None:
    warm = replace(load_profile("smoke"), warmup=5.0)
    brief = measure(load_profile("smoke"), LoadSize(1, 60), ground("compose", **SCRAPED), tmp_path)
    later = measure(warm, LoadSize(1, 60), ground("compose", **SCRAPED), tmp_path)
    assert later.time_span.begin - brief.time_span.begin >= 5
    assert later.gates[0].objective == "at least 44"  # 55 s, at four fifths


def test_prometheus_that_does_not_scrape_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCRAPE_TIMEOUT_SCRAPES", 0)
    with pytest.raises(LoadError, match=r"^Prometheus does not scrape every instance"):
        measure(load_profile("smoke"), LoadSize(1, 60), ground("compose"), tmp_path)
