import json
from dataclasses import replace
from xml.etree import ElementTree as ET

from alertdrill.loads.html_report import html
from alertdrill.loads.report import as_json, junit
from tests.unit.alertdrill.loads.samples import report


def test_json_has_both_numbers_and_each_request() -> None:
    found = json.loads(as_json(report()))
    assert (found["passed"], found["shape"], found["users"]) == (False, "spike", 120)
    assert found["locust"] == {"requests": 25_000, "failures": 900, "p95": 1.4}
    assert found["prometheus"]["requests"] == 25_072
    assert {row["name"] for row in found["requests"]} == {"/process", "/<b>"}


def test_junit_has_a_case_an_objective() -> None:
    suite = ET.fromstring(junit(report())).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    [failure] = suite.iter("failure")
    assert failure.get("message") == ("errors: at most 1.0%; Locust has 3.60%, Prometheus 3.59%.")


def test_page_says_it_in_words_and_signs() -> None:
    page = html(report())
    assert "<h1>Spike failed</h1>" in page
    assert page.count("✗") == 1
    assert "/&lt;b&gt;" in page
    assert "<h1>Spike passed</h1>" in html(report(failures=0))


def test_page_needs_nothing_else() -> None:
    page = html(report())
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in page


def test_page_shows_what_happened_meanwhile() -> None:
    page = html(report())
    assert "▲ Saturated web, 160 s to 250 s" in page
    assert "● scale out web, 175 s to 177 s" in page
    assert "▲ Overprovisioned &lt;web&gt;, from 330 s" in page
    assert "No alert fired" not in page
    assert "No alert fired" in html(replace(report(), events=[]))


def test_json_says_what_happened_meanwhile() -> None:
    assert json.loads(as_json(report()))["events"][0]["name"] == "Saturated web"
