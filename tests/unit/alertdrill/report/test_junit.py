from __future__ import annotations

from xml.etree import ElementTree as ET

from alertdrill.report.junit import Case, Failure, to_xml


def test_suite_counts_and_describes_its_cases() -> None:
    cases = [
        Case("loads.spike", "p95", seconds=1.5, output="It was 0.3 s."),
        Case("loads.spike", "errors", failure=Failure("objective", "too many", "12 of 100")),
        Case("loads.spike", "floor", skipped="There is none."),
    ]
    suite = ET.fromstring(to_xml("loads", cases, 1767225600.0, 60.0))[0]
    assert suite.attrib == {
        "name": "loads",
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "60.000",
        "timestamp": "2026-01-01T00:00:00.000+00:00",
    }
    assert suite[0].attrib == {"classname": "loads.spike", "name": "p95", "time": "1.500"}
    assert [
        [(element.tag, element.attrib, element.text) for element in case] for case in suite
    ] == [
        [("system-out", {}, "It was 0.3 s.")],
        [("failure", {"type": "objective", "message": "too many"}, "12 of 100")],
        [("skipped", {"message": "There is none."}, None)],
    ]


def test_forbidden_characters_are_replaced() -> None:
    case = Case("s", "a\x00b", failure=Failure("f", "c\x1bd", "e\ufffef"), output="\ud800")
    testcase = ET.fromstring(to_xml("s", [case], 0.0, 0.0))[0][0]
    failure, output = testcase
    texts = [testcase.get("name"), failure.get("message"), failure.text, output.text]
    assert texts == ["a\ufffdb", "c\ufffdd", "e\ufffdf", "\ufffd"]
