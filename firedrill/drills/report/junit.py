"""A run as JUnit's XML, which every CI server shows: one test case a drill."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from ..outcome import FINE, Outcome, Report
from .formats import seconds
from .healing import healed_by

# What XML 1.0 cannot hold, not even escaped.
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> str:
    """Return the XML; what neither passed nor was skipped is a failure, of the verdict's type."""
    failures = sum(found.verdict not in FINE for found in report.outcomes)
    skipped = sum(found.verdict == "skipped" for found in report.outcomes)
    counts = {
        "name": "drills",
        "tests": str(len(report.outcomes)),
        "failures": str(failures),
        "errors": "0",
        "skipped": str(skipped),
        "time": f"{report.ended - report.began:.3f}",
        "timestamp": _timestamp(report.began),
    }
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", counts)
    for found in report.outcomes:
        suite.append(_case(found))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(found: Outcome) -> ET.Element:
    took = f"{found.ended - found.began:.3f}"
    name = {"classname": f"drills.{found.severity or 'unknown'}", "name": found.alert, "time": took}
    case = ET.Element("testcase", name)
    if found.verdict == "skipped":
        ET.SubElement(case, "skipped", {"message": _clean(found.reason)})
    elif found.verdict != "passed":
        said = _clean(found.reason) or found.verdict
        failure = ET.SubElement(case, "failure", {"type": found.verdict, "message": said})
        failure.text = f"{_clean(found.says)} {said}"
    ET.SubElement(case, "system-out").text = _clean(_story(found))
    return case


def _story(found: Outcome) -> str:
    took = ", ".join(f"{phase} {seconds(time)} s" for phase, time in found.times.items())
    by = healed_by(found)
    healed = f". Healed by {by}." if by else ""
    return f"{found.says} {found.fault}. {took}{healed}".strip()


def _clean(text: str) -> str:
    return FORBIDDEN.sub("\ufffd", text)


def _timestamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
