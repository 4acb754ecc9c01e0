"""A report as JUnit XML, which every CI server shows."""

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
    suites = ET.Element("testsuites")
    suite = ET.SubElement(
        suites,
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(sum(case.failure is not None for case in cases)),
        errors="0",
        skipped=str(sum(bool(case.skipped) for case in cases)),
        time=f"{seconds:.3f}",
        timestamp=datetime.fromtimestamp(began, UTC).isoformat(timespec="milliseconds"),
    )
    for case in cases:
        attributes = {"classname": case.suite, "name": case.name, "time": f"{case.seconds:.3f}"}
        element = ET.SubElement(suite, "testcase", attributes)
        if case.skipped:
            ET.SubElement(element, "skipped", message=case.skipped)
        elif case.failure:
            reason = {"type": case.failure.kind, "message": case.failure.message}
            ET.SubElement(element, "failure", reason).text = case.failure.text or None
        if case.output:
            ET.SubElement(element, "system-out").text = case.output
    ET.indent(suites)
    text = ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"
    return FORBIDDEN.sub("\ufffd", text)
