"""The JUnit XML report of a run, for CI servers: one test case per drill."""

from __future__ import annotations

from ... import junit
from ...junit import Case, Failure
from ..result import ACCEPTED_VERDICTS, DrillResult, Report
from .formats import healed_by, seconds


def to_junit(report: Report) -> str:
    """Return the XML. A drill that did not pass is a failure with its verdict as the type."""
    cases = [_case(result) for result in report.results]
    return junit.to_xml("drills", cases, report.began, report.ended - report.began)


def _case(result: DrillResult) -> Case:
    return Case(
        suite=f"drills.{result.severity or 'unknown'}",
        name=result.alert,
        seconds=result.ended - result.began,
        failure=None if result.verdict in ACCEPTED_VERDICTS else _failure(result),
        skipped=result.reason if result.verdict == "skipped" else "",
        output=_output(result),
    )


def _failure(result: DrillResult) -> Failure:
    message = result.reason or result.verdict
    return Failure(result.verdict, message, f"{result.description} {message}")


def _output(result: DrillResult) -> str:
    times = ", ".join(f"{phase} {seconds(time)} s" for phase, time in result.times.items())
    healer = healed_by(result)
    healed = f". Healed by {healer}." if healer else ""
    return f"{result.description} {result.fault}. {times}{healed}".strip()
