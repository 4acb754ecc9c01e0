"""A report as JUnit XML, which every CI server shows. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

# XML 1.0 cannot contain these characters, not even escaped.
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Failure:
    """Why a test case failed: a type, a message, and details that the message leaves out."""

    kind: str
    message: str
    text: str = ""


@dataclass(frozen=True)
class Case:
    """A test case: `suite` is its class name, `seconds` its duration, `output` what it printed.

    `failure` is set if it failed; `skipped` is the reason why it did not run, empty if it ran.
    """

    suite: str
    name: str
    seconds: float = 0.0
    failure: Failure | None = None
    skipped: str = ""
    output: str = ""


def to_xml(name: str, cases: Sequence[Case], began: float, seconds: float) -> str:
    """Return the XML of a run that began at a time (seconds since 1970) and took some seconds."""
    counts = {
        "name": name,
        "tests": str(len(cases)),
        "failures": str(sum(case.failure is not None for case in cases)),
        "errors": "0",
        "skipped": str(sum(bool(case.skipped) for case in cases)),
        "time": f"{seconds:.3f}",
        "timestamp": datetime.fromtimestamp(began, UTC).isoformat(timespec="milliseconds"),
    }
    suites = ET.Element("testsuites")
    ET.SubElement(suites, "testsuite", counts).extend(_element(case) for case in cases)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _element(case: Case) -> ET.Element:
    attributes = {
        "classname": case.suite,
        "name": _sanitize(case.name),
        "time": f"{case.seconds:.3f}",
    }
    element = ET.Element("testcase", attributes)
    if case.skipped:
        ET.SubElement(element, "skipped", {"message": _sanitize(case.skipped)})
    elif case.failure:
        reason = {"type": case.failure.kind, "message": _sanitize(case.failure.message)}
        ET.SubElement(element, "failure", reason).text = _sanitize(case.failure.text) or None
    if case.output:
        ET.SubElement(element, "system-out").text = _sanitize(case.output)
    return element


def _sanitize(text: str) -> str:
    return FORBIDDEN.sub("\ufffd", text)
