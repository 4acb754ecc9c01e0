import json
from xml.etree import ElementTree as ET

from alertdrill.loads.capacity_report import as_json, html, junit, sentence
from tests.unit.alertdrill.loads.samples import capacity_of


def test_sentence_has_the_rate_per_instance() -> None:
    assert sentence(capacity_of(passed=40, missed=80)) == (
        "Capacity: 40 requests/s: 20 per instance of web (2), 40 per instance of data-service (1)."
    )


def test_sentence_says_at_least_when_the_search_reached_its_maximum() -> None:
    assert sentence(capacity_of(passed=40, missed=0)).startswith("Capacity: at least 40 requests/s")


def test_json_has_every_step() -> None:
    report = json.loads(as_json(capacity_of(passed=40, missed=80)))
    assert (report["capacity"], report["per_instance"]["web"]) == (40, 20)
    assert [(step["users"], step["passed"]) for step in report["steps"]] == [
        (40, True),
        (80, False),
    ]


def test_junit_fails_without_any_capacity() -> None:
    suite = ET.fromstring(junit(capacity_of(passed=0, missed=40))).find("testsuite")
    assert suite is not None
    assert suite.get("failures") == "1"
    assert "start with fewer clients" in junit(capacity_of(passed=0, missed=40))
    assert ET.fromstring(junit(capacity_of(passed=40, missed=80))).find(".//failure") is None


def test_page_names_the_missed_objective() -> None:
    page = html(capacity_of(passed=40, missed=80))
    assert "missed: p95" in page
    assert page.count("✓") == 1
