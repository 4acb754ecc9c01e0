"""The report of a run of drills: a page without scripts or other files, JSON and JUnit XML."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from statistics import median

from ..report.chart import LINE_COLOURS
from ..report.junit import Case, Failure, to_xml
from ..report.page import TEMPLATES, TIMES, count, seconds, write_files
from .chart import distinguishing_labels, drill_charts
from .model import ACTIONS, DrillError, describe_healer
from .result import ACCEPTED_VERDICTS, PHASES, SIGNS, DrillResult, Report

# The order of the drills: those that did not pass come first.
ORDER = {"skipped": 1, "passed": 2}
# With up to this many drills, all sections are open.
MAX_OPEN = 4


def write(report: Report, folder: Path) -> Path:
    """Write report.json, junit.xml and index.html into a folder; return the page.

    Times are seconds since 1970, durations are seconds. The JSON has each drill's `ratio` and
    whether all `passed`; in the JUnit XML, a drill that did not pass is a failure.
    """
    results = [{**vars(result), "ratio": result.ratio} for result in report.results]
    document = {"passed": report.passed, **vars(report), "results": results}
    took = report.ended - report.began
    junit = to_xml("drills", [_case(result) for result in report.results], report.began, took)
    return write_files(folder, to_html(report), document, junit)


def _case(result: DrillResult) -> Case:
    message = result.reason or result.verdict
    failure = Failure(result.verdict, message, f"{result.description} {message}")
    times = ", ".join(f"{phase} {seconds(time)} s" for phase, time in result.times.items())
    healer = healed_by(result)
    healed = f". Healed by {healer}." if healer else ""
    return Case(
        suite=f"drills.{result.severity or 'unknown'}",
        name=result.alert,
        seconds=result.ended - result.began,
        failure=None if result.verdict in ACCEPTED_VERDICTS else failure,
        skipped=result.reason if result.verdict == "skipped" else "",
        output=f"{result.description} {result.fault}. {times}{healed}".strip(),
    )


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


def to_html(report: Report) -> str:
    """Return the HTML page of a report. The drills that did not pass come first."""
    verdicts = Counter[str](result.verdict for result in report.results)
    failed = sum(result.verdict not in ACCEPTED_VERDICTS for result in report.results)
    ratios = [(result.ratio, result.alert) for result in report.results if result.ratio is not None]
    return TEMPLATES.get_template("drills.html").render(
        report=report,
        results=sorted(report.results, key=lambda result: ORDER.get(result.verdict, 0)),
        verdict=_verdict(len(report.results), failed, verdicts["skipped"]),
        counts={name: verdicts[name] for name in SIGNS if name in verdicts},
        failed=failed,
        median_ratio=median(value for value, _ in ratios) if ratios else None,
        worst=max(ratios, default=None),
        open_all=len(report.results) <= MAX_OPEN,
        phases=PHASES,
        phase_columns=[(phase.capitalize(), "number") for phase in PHASES],
        signs=SIGNS,
        bounds=_bounds,
        charts=drill_charts,
        healed_by=healed_by,
        legend=_legend,
    )


def _verdict(total: int, failed: int, skipped: int) -> str:
    """Return the verdict of a run as a sentence."""
    run = total - skipped
    if not run:
        sentence = "No drill was run."
    elif not failed:
        sentence = "The drill passed." if run == 1 else f"All {run} drills passed."
    elif failed == run:
        sentence = "The drill did not pass." if run == 1 else f"None of {run} drills passed."
    else:
        sentence = f"{failed} of {run} drills did not pass."
    suffix = f" {count(skipped, 'drill was', 'drills were')} skipped." if skipped else ""
    return sentence + suffix


def _bounds(result: DrillResult, phase: str) -> str:
    """Return the ideal times and the limit of a phase."""
    limit, ideal = result.limits.get(phase), result.ideal.get(phase)
    notes = []
    if ideal is not None:
        notes.append(f"ideally {seconds(ideal.fastest)} to {seconds(ideal.slowest)} s")
    if limit is not None:
        notes.append(f"limit {seconds(limit)} s")
    if phase == "resolved" and result.heal in ACTIONS:
        notes.append("since the healing")
    return ", ".join(notes)


def _legend(result: DrillResult) -> list[tuple[int, str]]:
    """Return the number of the colour and the label of each line, unless no line has a label."""
    label_sets = distinguishing_labels(result.chart.values) if result.chart else []
    texts = [", ".join(f"{name}={value}" for name, value in labels) for labels in label_sets]
    named = [(index % LINE_COLOURS, text or "no labels") for index, text in enumerate(texts)]
    return named if any(texts) else []


def healed_by(result: DrillResult) -> str:
    """Return what healed the service and what the responder did; empty if neither applies."""
    if result.injected is None or (result.heal == "none" and not result.actions):
        return ""
    counts = Counter(result.actions)
    actions = ", ".join(
        action + (f" {TIMES}{times}" if times > 1 else "") for action, times in counts.items()
    )
    healer = describe_healer(result.heal) if "healed" in result.times else ""
    if healer and result.heal in ACTIONS:
        return f"{healer}: {actions}"
    return f"{healer or 'none'}; the responder did {actions or 'nothing'}"
