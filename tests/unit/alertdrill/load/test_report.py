import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from alertdrill.load.report import capacity_html, html, write, write_capacity
from tests.unit.alertdrill.load.samples import capacity_of, result


def read(page: Path) -> tuple[str, Any, ET.Element]:
    """Return the HTML, the JSON and the test suite of a report."""
    document = json.loads((page.parent / "report.json").read_text())
    return page.read_text(), document, ET.parse(page.parent / "junit.xml").getroot()[0]


def test_json_has_locust_and_prometheus_numbers_requests_and_events(tmp_path: Path) -> None:
    _, document, _ = read(write(result(), tmp_path))
    assert (document["passed"], document["shape"], document["users"]) == (False, "spike", 120)
    assert document["locust"] == {"requests": 25_000, "failures": 900, "p95": 1.4}
    assert document["prometheus"]["requests"] == 25_072
    assert [gate["passed"] for gate in document["gates"]] == [True, False, True]
    assert document["requests"][1] == {
        "method": "GET", "name": "/<b>", "requests": 1000, "failures": 0, "p95": None
    }  # fmt: skip
    assert document["events"][0]["name"] == "Saturated web"


def test_junit_has_one_case_per_objective(tmp_path: Path) -> None:
    _, _, suite = read(write(result(), tmp_path))
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    [failure] = suite.iter("failure")
    assert failure.get("message") == "errors: at most 1.0%; Locust has 3.60%, Prometheus 3.59%."


def test_page_shows_the_verdict_in_words_and_signs() -> None:
    page = html(result())
    assert "<h1>Spike failed</h1>" in page
    assert page.count("✗") == 1
    assert "/&lt;b&gt;" in page
    assert "<h1>Spike passed</h1>" in html(result(failures=0))


@pytest.mark.parametrize("page", [html(result()), capacity_html(capacity_of(passed=8, missed=9))])
def test_page_loads_no_scripts_and_no_other_files(page: str) -> None:
    assert "http://" not in page
    assert "<script" not in page


def test_page_has_a_chart_of_each_measurement_and_of_the_events() -> None:
    page = html(result())
    for title in (
        "Requests per second",
        "95th percentile latency, seconds",
        "Failed requests per second",
        "Ready instances",
        "Alerts and actions",
    ):
        assert f"<title>{title} over time</title>" in page
    assert "<desc>clients, web only, without waiting for a worker thread, objective, obj" in page
    assert "▲ Saturated web, 160 s to 250 s" in page
    assert "● scale out web, 175 s to 177 s" in page
    assert "▲ Overprovisioned &lt;web&gt;, from 330 s" in page
    assert "No alert fired" not in page
    assert "No alert fired" in html(replace(result(), events=[]))


def test_capacity_report_has_every_step(tmp_path: Path) -> None:
    page, document, suite = read(write_capacity(capacity_of(passed=40, missed=80), tmp_path))
    assert (document["capacity"], document["per_instance"]["web"]) == (40, 20)
    steps = [(step["users"], step["rate"], step["passed"]) for step in document["steps"]]
    assert steps == [(40, 40, True), (80, 80, False)]
    assert "missed: p95" in page
    assert (page.count("✓"), suite.get("failures")) == (1, "0")


def test_junit_fails_without_any_capacity(tmp_path: Path) -> None:
    _, document, suite = read(write_capacity(capacity_of(passed=0, missed=40), tmp_path))
    assert (document["capacity"], suite.get("failures")) == (None, "1")
    assert "start with fewer clients" in (suite[0].findtext("system-out") or "")
