from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from alertdrill.clients.prometheus import Line
from alertdrill.drills.chart import drill_charts, drill_events
from alertdrill.drills.result import Chart, DrillResult

from .results import ABORTED, BEGAN, HEALED, PASSED

Point = tuple[float, float]


def chart_of(result: DrillResult = PASSED) -> ET.Element:
    """Return the wide chart."""
    return ET.fromstring(drill_charts(result)[0])


def texts(result: DrillResult) -> list[str]:
    return [element.text or "" for element in chart_of(result).iter("text")]


def points(path: ET.Element) -> list[Point]:
    return [
        (float(x), float(y)) for x, y in re.findall(r"[ML] ([0-9.]+) ([0-9.]+)", path.attrib["d"])
    ]


def paths(chart: ET.Element, name: str) -> list[list[Point]]:
    """Return the points of each path of a class."""
    groups = [group for group in chart.iter("g") if name in group.get("class", "").split()]
    return [points(path) for group in groups for path in group.iter("path")]


def with_values(*samples: Point) -> DrillResult:
    """Return a drill whose line has samples of (seconds, value)."""
    line = Line({}, [(BEGAN + at, value) for at, value in samples])
    return replace(PASSED, chart=Chart("a", values=[line]))


def test_chart_has_the_colours_and_the_font_of_the_page() -> None:
    for svg in drill_charts(replace(PASSED, backfilled=True)):
        assert "stroke: var(--c0)" in svg
        assert "fill: var(--page)" in svg
        assert not re.search(r"#[0-9a-f]{6}\b|font-family|<style|<metadata|https?:", svg)


def test_same_drill_has_the_same_chart() -> None:
    assert drill_charts(PASSED) == drill_charts(PASSED)


def test_charts_of_a_page_share_no_ids() -> None:
    drills = [replace(PASSED, backfilled=True, alert=alert) for alert in ("One", "Other")]
    ids = re.findall(
        r' id="([^"]*)', "".join(svg for drill in drills for svg in drill_charts(drill))
    )
    assert len(ids) == len(set(ids)) > 0


def test_chart_has_a_title_and_a_description() -> None:
    chart = chart_of(replace(PASSED, alert="<A>"))
    assert (chart.get("role"), chart.get("class")) == ("img", "chart wide")
    assert chart.findtext("title") == "The expression of <A> over time"
    assert (chart.findtext("desc") or "").startswith("fault on, pending 2.0 s, firing 6.0 s")


def test_ticks_are_round_and_count_from_the_fault() -> None:
    shown = texts(PASSED)
    assert shown[:3] == ["\u221210", "\u22125", "0"]
    assert shown[8:12] == ["0", "0.2", "0.4", "0.6"]


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0, 0], ("0", "1")),
        ([3, 3], ("0", "3")),
        ([100, 103], ("100", "103")),
        ([-1, 1], ("\u22121", "1")),
        ([4e8, math.inf, 5e8], ("400 M", "500 M")),
        ([1e8, math.inf, 5e8], ("0", "600 M")),
    ],
)
def test_axis_includes_zero_if_it_is_near(values: list[float], ticks: tuple[str, str]) -> None:
    shown = texts(with_values(*enumerate(values)))
    axis = shown[shown.index("seconds since the fault began") + 1 :]
    numbers = [text for text in axis if re.fullmatch("[\u22120-9.]+( M)?", text)]
    assert (numbers[0], numbers[-1]) == ticks


@pytest.mark.parametrize(
    ("samples", "segments"),
    [
        ([(0, 1), (1, 2), (2, 1), (6, 2), (7, 1)], [3, 2]),
        ([(0, 1), (1, 2), (3, 1), (4, 2)], [4]),  # one missed scrape
        ([(0, 1), (1, 2), (1.5, math.nan), (2, 1), (3, math.inf)], [3]),
    ],
)
def test_missing_samples_are_a_gap(samples: list[Point], segments: list[int]) -> None:
    lines = paths(chart_of(with_values(*samples)), "line")
    assert [len(line) for line in lines] == segments


def test_single_sample_is_a_dot() -> None:
    [[begin, end]] = paths(chart_of(with_values((12, 1))), "line")
    assert begin == end
    assert "stroke-linecap: round" in drill_charts(with_values((12, 1)))[0]


def test_fault_is_between_its_labels() -> None:
    chart = chart_of()
    [fault], [on], [off] = (paths(chart, name) for name in ("fault", "on", "off"))
    at = [x for x, _ in fault]
    assert (min(at), max(at)) == (on[0][0], off[0][0])


def test_fault_that_was_never_removed_lasts() -> None:
    [fault] = paths(chart_of(replace(PASSED, removed=None, times={})), "fault")
    assert max(x for x, _ in fault) == 940


def test_no_event_line_crosses_a_label() -> None:
    """Each label is right of its line, and every later line begins in a lower row."""
    marks = paths(chart_of(), "event")
    assert len(marks) == 6
    tops = [min(y for _, y in mark) for mark in marks]
    assert all(lower - upper >= 15 for upper, lower in pairwise(tops))


def test_synthetic_samples_are_marked() -> None:
    backfilled = replace(PASSED, backfilled=True)
    assert {"synthetic", "samples"} <= set(" ".join(chart_of(backfilled).itertext()).split())
    assert chart_of(backfilled).find(".//pattern") is not None
    assert chart_of().find(".//pattern") is None


@pytest.mark.parametrize(
    ("threshold", "services", "labels"),
    [
        ("0.05", [""], ["> 0.05"]),
        ("b * 2", [""], ["threshold"]),
        ("b", ["web", "a-very-long-service"], ["web", "threshold"]),
    ],
)
def test_threshold_has_a_label(threshold: str, services: list[str], labels: list[str]) -> None:
    lines = [Line({"service": name, "a": "b"}, [(BEGAN, 1)]) for name in services]
    drill = replace(PASSED, chart=Chart("a", ">", threshold, lines, lines))
    assert set(labels) <= set(texts(drill))


@pytest.mark.parametrize("chart", [None, Chart("absent(up)")])
def test_chart_without_values_shows_the_events(chart: Chart | None) -> None:
    shown = texts(replace(PASSED, chart=chart))
    labels = [label for _, _, label in drill_events(PASSED)]
    assert shown[shown.index("seconds since the fault began") + 1 :] == labels


def test_lines_have_eight_colours_in_turn() -> None:
    lines = [Line({"instance": str(n)}, [(BEGAN, n), (BEGAN + 1, n)]) for n in range(9)]
    svg = drill_charts(replace(PASSED, chart=Chart("a", values=lines)))[0]
    styles = re.findall(r'<g class="line"> ?<path[^>]* style="([^"]*)', svg)
    assert [re.findall(r"var\(--c(.)\)", style) for style in styles] == [[n] for n in "012345670"]
    assert ["dasharray" in style for style in styles] == [False] * 4 + [True] * 4 + [False]


def test_events_are_chronological() -> None:
    assert drill_events(PASSED) == [
        (0, "on", "fault on"),
        (2, "pending", "pending 2.0 s"),
        (6, "firing", "firing 6.0 s"),
        (7.5, "notified", "notified 7.5 s"),
        (10, "off", "fault off 10.0 s"),
        (18, "resolved", "resolved +8.0 s"),
    ]
    assert [(label, at) for at, _, label in drill_events(HEALED)][-3:] == [
        ("healed 9.0 s", 9),
        ("resolved +5.0 s", 14),
        ("fault off 16.0 s", 16),
    ]


def test_drill_without_fault_has_no_chart() -> None:
    assert (drill_charts(ABORTED), drill_events(ABORTED)) == ([], [])


def test_matplotlib_is_imported_only_to_draw() -> None:
    script = "import sys, alertdrill.cli.app, alertdrill.cli.drill, alertdrill.cli.load;"
    script += "sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
