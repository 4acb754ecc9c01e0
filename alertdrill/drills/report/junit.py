"""A run as JUnit's XML, which every CI server shows: one test case a drill."""

from __future__ import annotations

from ... import junit as xml
from ...junit import Case, Failure
from ..outcome import FINE, Outcome, Report
from .formats import seconds
from .healing import healed_by


def junit(report: Report) -> str:
    """Return the XML; what neither passed nor was skipped is a failure, of the verdict's type."""
    cases = [_case(found) for found in report.outcomes]
    return xml.to_xml("drills", cases, report.began, report.ended - report.began)


def _case(found: Outcome) -> Case:
    return Case(
        suite=f"drills.{found.severity or 'unknown'}",
        name=found.alert,
        seconds=found.ended - found.began,
        failure=None if found.verdict in FINE else _fault(found),
        skipped=found.reason if found.verdict == "skipped" else "",
        output=_story(found),
    )


def _fault(found: Outcome) -> Failure:
    said = found.reason or found.verdict
    return Failure(found.verdict, said, f"{found.says} {said}")


def _story(found: Outcome) -> str:
    took = ", ".join(f"{phase} {seconds(time)} s" for phase, time in found.times.items())
    by = healed_by(found)
    healed = f". Healed by {by}." if by else ""
    return f"{found.says} {found.fault}. {took}{healed}".strip()
