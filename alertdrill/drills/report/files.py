"""The files of a run's report: HTML for people, JSON for programs, JUnit XML for CI servers."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..model import DrillError
from ..result import ACCEPTED_VERDICTS, DrillResult, Report
from . import junit
from .formats import healed_by, seconds
from .html import to_html
from .junit import Case, Failure


def write(report: Report, folder: Path) -> Path:
    """Write report.json, junit.xml and index.html into a folder; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(to_html(report), encoding="utf-8")
    (folder / "report.json").write_text(to_json(report), encoding="utf-8")
    (folder / "junit.xml").write_text(to_junit(report), encoding="utf-8")
    return page


def to_json(report: Report) -> str:
    """Return the report as JSON, with each drill's `ratio` and whether all `passed`.

    Times are seconds since 1970, durations are seconds. Numbers that are not finite become null.
    """
    fields = asdict(report)
    for result, item in zip(report.results, fields["results"], strict=True):
        item["ratio"] = result.ratio
    return json.dumps(_finite({"passed": report.passed, **fields}), allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def failed_alerts(home: Path) -> list[str]:
    """Return the alerts whose drills did not pass in the newest report below `home`.

    Raises `DrillError` if there is no report, or if all drills of it passed.
    """
    reports = sorted((home / "drills").glob("*/report.json"))
    if not reports:
        raise DrillError("No report of an earlier run: run the drills without --last-failed.")
    try:
        results = json.loads(reports[-1].read_text(encoding="utf-8"))["results"]
        failed = [
            str(item["alert"]) for item in results if item["verdict"] not in ACCEPTED_VERDICTS
        ]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DrillError(
            f"{reports[-1]} is not a readable report: run the drills without --last-failed."
        ) from error
    if not failed:
        raise DrillError("Every drill of the last run passed: there is nothing to run again.")
    return failed


def to_junit(report: Report) -> str:
    """Return JUnit XML with a test case for each drill.

    A drill that did not pass is a failure with its verdict as the type.
    """
    cases = [_case(result) for result in report.results]
    return junit.to_xml("drills", cases, report.began, report.ended - report.began)


def _case(result: DrillResult) -> Case:
    message = result.reason or result.verdict
    failure = Failure(result.verdict, message, f"{result.description} {message}")
    return Case(
        suite=f"drills.{result.severity or 'unknown'}",
        name=result.alert,
        seconds=result.ended - result.began,
        failure=None if result.verdict in ACCEPTED_VERDICTS else failure,
        skipped=result.reason if result.verdict == "skipped" else "",
        output=_output(result),
    )


def _output(result: DrillResult) -> str:
    times = ", ".join(f"{phase} {seconds(time)} s" for phase, time in result.times.items())
    healer = healed_by(result)
    healed = f". Healed by {healer}." if healer else ""
    return f"{result.description} {result.fault}. {times}{healed}".strip()
