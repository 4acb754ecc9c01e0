"""The report of a run as an HTML page, which needs no scripts and no other file."""

from __future__ import annotations

from statistics import median
from xml.etree import ElementTree as ET

import jinja2
from markupsafe import Markup

from ..model import ACTIONS
from ..result import ACCEPTED_VERDICTS, PHASES, SIGNS, DrillResult, Report
from .chart import LINE_COLOURS, drill_chart, line_labels
from .formats import count, duration, healed_by, ratio, seconds, utc_time

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader(__package__),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# The order of the drills: those that did not pass come first.
ORDER = {"skipped": 1, "passed": 2}
# The widths of a chart on a desktop and on a phone.
WIDTHS = {"wide": 1040.0, "narrow": 400.0}
# With up to this many drills, all sections are open.
MAX_OPEN = 4


def to_html(report: Report) -> str:
    """Return the HTML page of a report. The drills that did not pass come first."""
    verdicts = [result.verdict for result in report.results]
    ratios = [(result.ratio, result.alert) for result in report.results if result.ratio is not None]
    return TEMPLATES.get_template("page.html").render(
        report=report,
        results=sorted(report.results, key=lambda result: ORDER.get(result.verdict, 0)),
        verdict=verdict(report),
        counts={name: verdicts.count(name) for name in SIGNS if name in verdicts},
        failed=_failed(report),
        median_ratio=median(value for value, _ in ratios) if ratios else None,
        worst=max(ratios, default=None),
        open_all=len(report.results) <= MAX_OPEN,
        phases=PHASES,
        signs=SIGNS,
    )


def verdict(report: Report) -> str:
    """Return the verdict of a run as a sentence."""
    skipped = sum(result.verdict == "skipped" for result in report.results)
    suffix = f" {count(skipped, 'drill was', 'drills were')} skipped." if skipped else ""
    return _verdict(len(report.results) - skipped, _failed(report)) + suffix


def _failed(report: Report) -> int:
    return sum(result.verdict not in ACCEPTED_VERDICTS for result in report.results)


def _verdict(total: int, failed: int) -> str:
    if not total:
        return "No drill was run."
    if not failed:
        return "The drill passed." if total == 1 else f"All {total} drills passed."
    if failed == total:
        return "The drill did not pass." if total == 1 else f"None of {total} drills passed."
    return f"{failed} of {total} drills did not pass."


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


def _charts(result: DrillResult) -> list[Markup]:
    if result.injected is None:
        return []
    return [inline(drill_chart(result, width), size) for size, width in WIDTHS.items()]


def _legend(result: DrillResult) -> list[tuple[int, str]]:
    """Return the number of the colour and the label of each line, unless no line has a label."""
    labels = line_labels(result.chart.values) if result.chart else []
    named = [(index % LINE_COLOURS, label or "no labels") for index, label in enumerate(labels)]
    return named if any(labels) else []


def inline(chart: ET.Element, size: str = "") -> Markup:
    """Return a chart for a template; `size` is the class of screens that show it."""
    chart.set("class", f"chart {size}".strip())
    return Markup(ET.tostring(chart, encoding="unicode"))  # noqa: S704 - the tree escapes its text


TEMPLATES.filters.update(
    seconds=seconds,
    ratio=ratio,
    duration=duration,
    utc_time=utc_time,
    bounds=_bounds,
    charts=_charts,
    count=count,
    healed_by=healed_by,
    legend=_legend,
)
