from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from alertdrill.drills.report.junit import Case, Failure, to_xml

CASES = [
    Case("loads.spike", "p95", seconds=1.5, output="It was 0.3 s."),
    Case("loads.spike", "errors", failure=Failure("objective", "too many", "12 of 100")),
    Case("loads.spike", "floor", skipped="There is none."),
]


@pytest.fixture
def suite() -> ET.Element:
    testsuite = ET.fromstring(to_xml("loads", CASES, 1767225600.0, 60.0)).find("testsuite")
    assert testsuite is not None
    return testsuite


def test_suite_counts_its_cases(suite: ET.Element) -> None:
    assert suite.attrib == {
        "name": "loads",
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "60.000",
        "timestamp": "2026-01-01T00:00:00.000+00:00",
    }


def test_passed_case_has_its_output(suite: ET.Element) -> None:
    assert suite[0].attrib == {"classname": "loads.spike", "name": "p95", "time": "1.500"}
    assert [(element.tag, element.text) for element in suite[0]] == [
        ("system-out", "It was 0.3 s.")
    ]


def test_failed_case_has_its_reason(suite: ET.Element) -> None:
    (failure,) = suite[1]
    assert failure.attrib == {"type": "objective", "message": "too many"}
    assert failure.text == "12 of 100"


def test_skipped_case_has_its_reason(suite: ET.Element) -> None:
    (skipped,) = suite[2]
    assert (skipped.tag, skipped.get("message")) == ("skipped", "There is none.")


def test_forbidden_characters_are_replaced() -> None:
    case = Case("s", "a\x00b", failure=Failure("f", "c\x1bd", "e\ufffef"), output="\ud800")
    testcase = ET.fromstring(to_xml("s", [case], 0.0, 0.0)).find("testsuite/testcase")
    assert testcase is not None
    failure, output = testcase
    assert [testcase.get("name"), failure.get("message"), failure.text, output.text] == [
        "a\ufffdb",
        "c\ufffdd",
        "e\ufffdf",
        "\ufffd",
    ]
