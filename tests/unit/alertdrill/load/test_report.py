import json
from dataclasses import replace
from xml.etree import ElementTree as ET

from alertdrill.load.report import as_json, html, junit
from tests.unit.alertdrill.load.samples import report


def test_json_has_locust_and_prometheus_numbers_and_each_request() -> None:
    parsed = json.loads(as_json(report()))
    assert (parsed["passed"], parsed["shape"], parsed["users"]) == (False, "spike", 120)
    assert parsed["locust"] == {"requests": 25_000, "failures": 900, "p95": 1.4}
    assert parsed["prometheus"]["requests"] == 25_072
    assert {row["name"] for row in parsed["requests"]} == {"/process", "/<b>"}


def test_junit_has_one_case_per_objective() -> None:
    suite = ET.fromstring(junit(report())).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    [failure] = suite.iter("failure")
    assert failure.get("message") == ("errors: at most 1.0%; Locust has 3.60%, Prometheus 3.59%.")


def test_page_shows_the_verdict_in_words_and_signs() -> None:
    page = html(report())
    assert "<h1>Spike failed</h1>" in page
    assert page.count("✗") == 1
    assert "/&lt;b&gt;" in page
    assert "<h1>Spike passed</h1>" in html(report(failures=0))


def test_page_loads_no_scripts_and_no_other_files() -> None:
    page = html(report())
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in page


def test_page_lists_alerts_and_actions() -> None:
    page = html(report())
    assert "▲ Saturated web, 160 s to 250 s" in page
    assert "● scale out web, 175 s to 177 s" in page
    assert "▲ Overprovisioned &lt;web&gt;, from 330 s" in page
    assert "No alert fired" not in page
    assert "No alert fired" in html(replace(report(), events=[]))


def test_json_lists_events() -> None:
    assert json.loads(as_json(report()))["events"][0]["name"] == "Saturated web"
