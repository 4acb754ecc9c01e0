import json
from xml.etree import ElementTree as ET

from alertdrill.loads.capacity_report import as_json, html, junit, sentence
from tests.unit.alertdrill.loads.samples import found


def test_sentence_has_the_share_of_an_instance() -> None:
    assert sentence(found(passed=40, missed=80)) == (
        "Capacity: 40 requests/s: 20 per instance of web (2), 40 per instance of data-service (1)."
    )


def test_bound_that_was_reached_is_told() -> None:
    assert sentence(found(passed=40, missed=0)).startswith("Capacity: at least 40 requests/s")


def test_json_has_every_step() -> None:
    read = json.loads(as_json(found(passed=40, missed=80)))
    assert (read["capacity"], read["per_instance"]["web"]) == (40, 20)
    assert [(step["users"], step["passed"]) for step in read["steps"]] == [(40, True), (80, False)]


def test_no_capacity_at_all_is_a_failure() -> None:
    suite = ET.fromstring(junit(found(passed=0, missed=40))).find("testsuite")
    assert suite is not None
    assert suite.get("failures") == "1"
    assert "start with fewer clients" in junit(found(passed=0, missed=40))
    assert ET.fromstring(junit(found(passed=40, missed=80))).find(".//failure") is None


def test_page_says_what_was_missed() -> None:
    page = html(found(passed=40, missed=80))
    assert "missed: p95" in page
    assert page.count("✓") == 1
