"""A run's report as JUnit's XML, which every CI server shows. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

# What XML 1.0 cannot hold, not even escaped.
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Fault:
    """Why a case has not passed: `kind` is a failure's type, `text` what the message leaves out."""

    kind: str
    message: str
    text: str = ""


@dataclass(frozen=True)
class Case:
    """A test case: `suite` is its class name, `seconds` what it took, `said` what it printed.

    `fault` is there if it has failed; `skipped` is why it was not run, empty if it was.
    """

    suite: str
    name: str
    seconds: float = 0.0
    fault: Fault | None = None
    skipped: str = ""
    said: str = ""


def junit(name: str, cases: Sequence[Case], began: float, seconds: float) -> str:
    """Return the XML of a run that began at a moment (seconds since 1970) and took so long."""
    counts = {
        "name": name,
        "tests": str(len(cases)),
        "failures": str(sum(case.fault is not None for case in cases)),
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
    named = {"classname": case.suite, "name": _clean(case.name), "time": f"{case.seconds:.3f}"}
    made = ET.Element("testcase", named)
    if case.skipped:
        ET.SubElement(made, "skipped", {"message": _clean(case.skipped)})
    elif case.fault:
        why = {"type": case.fault.kind, "message": _clean(case.fault.message)}
        ET.SubElement(made, "failure", why).text = _clean(case.fault.text) or None
    if case.said:
        ET.SubElement(made, "system-out").text = _clean(case.said)
    return made


def _clean(text: str) -> str:
    return FORBIDDEN.sub("\ufffd", text)
