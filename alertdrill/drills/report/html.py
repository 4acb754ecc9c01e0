"""The report of a run as an HTML page, which needs no scripts and no other file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from xml.etree import ElementTree as ET

import jinja2
from markupsafe import Markup

from ..model import ACTIONS
from ..result import ACCEPTED_VERDICTS, PHASES, DrillResult, IdealTime, Report
from .chart import LINE_COLOURS, drill_chart, line_labels
from .formats import MISSING, count, duration, healed_by, ratio, seconds, utc_time

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader(__package__),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# Each verdict has a sign and a word, so that colour is not the only information.
SIGNS = {"passed": "✓", "failed": "✗", "deviated": "▲", "aborted": "■", "skipped": "○"}
# Explanations of the less obvious verdicts.
MEANINGS = {
    "deviated": "The alert behaved as expected, but the steady state did not return.",
    "aborted": "The stack had no steady state before the fault, so no fault was injected.",
    "skipped": "This stack lacks a component that the drill requires.",
}
# The order of the drills: those that did not pass come first.
ORDER = {"skipped": 1, "passed": 2}
# The widths of a chart on a desktop and on a phone.
WIDTHS = {"wide": 1040.0, "narrow": 400.0}
# With up to this many drills, all sections are open.
MAX_OPEN = 4


@dataclass(frozen=True)
class Tile:
    """A number of the summary."""

    label: str
    value: str
    detail: str
    tone: str = ""
    # The drill that the number belongs to, if any.
    alert: str = ""


@dataclass(frozen=True)
class Phase:
    """The duration of a phase and its limit."""

    name: str
    took: str
    note: str


@dataclass(frozen=True)
class DrillView:
    """A drill: a row of the table and a section."""

    result: DrillResult
    sign: str
    meaning: str
    times: Sequence[tuple[str, str]]
    # The fastest, expected and slowest ideal time to firing.
    ideal: str
    ratio: str
    # Whether firing took over twice the slowest ideal time.
    slow: bool
    began: str
    took: str
    phases: Sequence[Phase]
    queries: str
    healing: str
    open: bool
    charts: Sequence[Markup]
    # The number of the colour and the label of each line, unless no line has a label.
    legend: Sequence[tuple[int, str]]


@dataclass(frozen=True)
class Page:
    """The page."""

    report: Report
    verdict: str
    facts: Sequence[tuple[str, str]]
    tiles: Sequence[Tile]
    drills: Sequence[DrillView]


def to_html(report: Report) -> str:
    """Return the HTML page of a report."""
    return TEMPLATES.get_template("page.html").render(page=build_page(report))


def build_page(report: Report) -> Page:
    """Return the page of a run. The drills that did not pass come first."""
    open_all = len(report.results) <= MAX_OPEN
    ordered = sorted(report.results, key=lambda result: ORDER.get(result.verdict, 0))
    drills = [_drill_view(result, open_all) for result in ordered]
    return Page(report, verdict(report), list(_facts(report)), list(_tiles(report)), drills)


def verdict(report: Report) -> str:
    """Return the verdict of a run as a sentence."""
    skipped = sum(result.verdict == "skipped" for result in report.results)
    total = len(report.results) - skipped
    suffix = f" {count(skipped, 'drill was', 'drills were')} skipped." if skipped else ""
    return _verdict(total, sum(_failed(result) for result in report.results)) + suffix


def _failed(result: DrillResult) -> bool:
    return result.verdict not in ACCEPTED_VERDICTS


def _verdict(total: int, failed: int) -> str:
    if not total:
        return "No drill was run."
    if not failed:
        return "The drill passed." if total == 1 else f"All {total} drills passed."
    if failed == total:
        return "The drill did not pass." if total == 1 else f"None of {total} drills passed."
    return f"{failed} of {total} drills did not pass."


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    yield "Began", utc_time(report.began)
    yield "Took", duration(report.ended - report.began)
    if report.speed == 1:
        yield "Speed", "1, the real durations"
    else:
        speed = f"{report.speed:g}"
        yield "Speed", f"{speed}: every duration of rules and routes is divided by {speed}"
    yield "Runtime", report.runtime
    yield "Stack", report.stack


def _tiles(report: Report) -> Iterator[Tile]:
    passed = sum(result.verdict == "passed" for result in report.results)
    failed = sum(_failed(result) for result in report.results)
    yield Tile("Passed", str(passed), f"of {count(len(report.results), 'drill')}")
    tone = "bad" if failed else ""
    yield Tile("Did not pass", str(failed), _verdict_counts(report) or "nothing to fix", tone)
    ratios = [(result.ratio, result.alert) for result in report.results if result.ratio is not None]
    if not ratios:
        return
    middle, (worst, alert) = median(value for value, _ in ratios), max(ratios)
    yield Tile("Median ratio", ratio(middle), "time to firing over the expected ideal time")
    yield Tile("Worst ratio", ratio(worst), alert, alert=alert)


def _verdict_counts(report: Report) -> str:
    verdicts = [result.verdict for result in report.results]
    return ", ".join(
        f"{verdicts.count(name)} {name}" for name in list(SIGNS)[1:] if name in verdicts
    )


def _drill_view(result: DrillResult, open_all: bool) -> DrillView:
    return DrillView(
        result=result,
        sign=SIGNS[result.verdict],
        meaning=MEANINGS.get(result.verdict, ""),
        times=[(phase, seconds(result.times.get(phase))) for phase in PHASES],
        ideal=_ideal_text(result.ideal.get("firing")),
        ratio=ratio(result.ratio),
        slow=_is_slow(result),
        began=utc_time(result.began),
        took=duration(result.ended - result.began),
        phases=list(_phases(result)),
        queries=_queries(result),
        healing=healed_by(result),
        open=open_all or result.verdict != "passed",
        charts=[inline(drill_chart(result, width), size) for size, width in WIDTHS.items()]
        if result.injected is not None
        else [],
        legend=_legend(result),
    )


def _is_slow(result: DrillResult) -> bool:
    fired, ideal = result.times.get("firing"), result.ideal.get("firing")
    return fired is not None and ideal is not None and fired > 2 * ideal.slowest


def _ideal_text(ideal: IdealTime | None) -> str:
    """Return the fastest, expected and slowest time, such as `5.0 / 6.2 / 7.4`."""
    if ideal is None:
        return MISSING
    return " / ".join(map(seconds, (ideal.fastest, ideal.expected, ideal.slowest)))


def _phases(result: DrillResult) -> Iterator[Phase]:
    for name in PHASES:
        took, limit, ideal = result.times.get(name), result.limits.get(name), result.ideal.get(name)
        if took is None and limit is None:
            continue
        notes = []
        if ideal is not None:
            notes.append(f"ideally {seconds(ideal.fastest)} to {seconds(ideal.slowest)} s")
        if limit is not None:
            notes.append(f"limit {seconds(limit)} s")
        if name == "resolved" and result.heal in ACTIONS:
            notes.append("since the healing")
        yield Phase(name, MISSING if took is None else f"{seconds(took)} s", ", ".join(notes))


def _queries(result: DrillResult) -> str:
    queries = count(result.queries, "query", "queries")
    if result.queries_skipped:
        return f"{queries} returned data during the fault. Skipped: {result.queries_skipped}."
    if result.queries:
        return f"{queries} returned data during the fault."
    return ""


def _legend(result: DrillResult) -> list[tuple[int, str]]:
    labels = line_labels(result.chart.values) if result.chart else []
    named = [(index % LINE_COLOURS, label or "no labels") for index, label in enumerate(labels)]
    return named if any(labels) else []


def inline(chart: ET.Element, size: str = "") -> Markup:
    """Return a chart for a template; `size` is the class of screens that show it."""
    chart.set("class", f"chart {size}".strip())
    return Markup(ET.tostring(chart, encoding="unicode"))  # noqa: S704 - the tree escapes its text
