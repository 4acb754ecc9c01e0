from __future__ import annotations

import math
import re
import subprocess
import sys
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from alertdrill.clients.prometheus import Line
from alertdrill.drills.report.chart import drill_chart, drill_events, line_labels
from alertdrill.drills.result import Chart, DrillResult

from .conftest import BEGAN, Make

Point = tuple[float, float]


def texts(chart: ET.Element) -> list[str]:
    return [element.text or "" for element in chart.iter("text")]


def paths(chart: ET.Element, name: str) -> list[ET.Element]:
    """Return the paths of a class."""
    groups = [group for group in chart.iter("g") if name in group.get("class", "").split()]
    return [path for group in groups for path in group.iter("path")]


def points(path: ET.Element) -> list[Point]:
    return [
        (float(x), float(y)) for x, y in re.findall(r"[ML] ([0-9.]+) ([0-9.]+)", path.attrib["d"])
    ]


def line_of(drill: Make, *samples: Point) -> list[ET.Element]:
    """Return the paths of a line through samples of (seconds, value)."""
    line = Line({}, [(BEGAN + at, value) for at, value in samples])
    return paths(drill_chart(drill(chart=Chart("a", values=[line])), 1000), "line")


def test_chart_has_the_colours_and_the_font_of_the_page(drill: Make) -> None:
    svg = ET.tostring(drill_chart(drill(backfilled=True), 1000), encoding="unicode")
    assert "stroke: var(--c0)" in svg
    assert not re.search(r"#[0-9a-f]{6}\b|font-family|<style|<metadata|https?:", svg)


def test_same_drill_has_the_same_chart(drill: Make) -> None:
    first, second = (ET.tostring(drill_chart(drill(), 1000)) for _ in range(2))
    assert first == second


def test_charts_of_a_page_share_no_ids(drill: Make) -> None:
    charts = [drill_chart(drill(backfilled=True), width) for width in (400, 1000)]
    charts.append(drill_chart(drill(alert="HighLatency", backfilled=True), 1000))
    ids = [element.attrib["id"] for chart in charts for element in chart.iterfind(".//*[@id]")]
    assert len(ids) == len(set(ids)) > 0


def test_chart_has_a_title_and_a_description(drill: Make) -> None:
    chart = drill_chart(drill(), 1000)
    assert chart.get("role") == "img"
    assert chart.findtext("title") == "The expression of WebHighErrorRate over time"
    assert (chart.findtext("desc") or "").startswith("fault on, pending 2.0 s, firing 6.0 s")


def test_ticks_are_round_and_count_from_the_fault(drill: Make) -> None:
    shown = texts(drill_chart(drill(), 1000))
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
def test_axis_includes_zero_if_it_is_near(
    drill: Make, values: list[float], ticks: tuple[str, str]
) -> None:
    line = Line({}, [(BEGAN + at, value) for at, value in enumerate(values)])
    shown = texts(drill_chart(drill(chart=Chart("a", values=[line])), 1000))
    axis = shown[shown.index("seconds since the fault began") + 1 :]
    numbers = [text for text in axis if re.fullmatch("[\u22120-9.]+( M)?", text)]
    assert (numbers[0], numbers[-1]) == ticks


def test_missing_samples_are_a_gap(drill: Make) -> None:
    segments = line_of(drill, (0, 1), (1, 2), (2, 1), (6, 2), (7, 1))
    assert [len(points(path)) for path in segments] == [3, 2]


def test_one_missed_scrape_is_no_gap(drill: Make) -> None:
    assert len(line_of(drill, (0, 1), (1, 2), (3, 1), (4, 2))) == 1


def test_values_that_are_not_finite_are_dropped(drill: Make) -> None:
    [line] = line_of(drill, (0, 1), (1, 2), (1.5, math.nan), (2, 1), (3, math.inf))
    assert len(points(line)) == 3


def test_single_sample_is_a_dot(drill: Make) -> None:
    [dot] = line_of(drill, (12, 1))
    [begin, end] = points(dot)
    assert begin == end
    assert "stroke-linecap: round" in dot.attrib["style"]


def test_fault_is_between_its_labels(drill: Make) -> None:
    chart = drill_chart(drill(), 1000)
    [fault] = paths(chart, "fault")
    at = [x for x, _ in points(fault)]
    [on], [off] = paths(chart, "on"), paths(chart, "off")
    assert (min(at), max(at)) == (points(on)[0][0], points(off)[0][0])


def test_fault_that_was_never_removed_lasts(drill: Make) -> None:
    [fault] = paths(drill_chart(drill(removed=None, times={}), 1000), "fault")
    assert max(x for x, _ in points(fault)) == 900


def test_no_event_line_crosses_a_label(drill: Make) -> None:
    """Each label is right of its line, and every later line begins in a lower row."""
    marks = [points(path) for path in paths(drill_chart(drill(), 400), "event")]
    assert len(marks) == 6
    tops = [min(y for _, y in mark) for mark in marks]
    assert all(lower - upper >= 15 for upper, lower in pairwise(tops))


def test_synthetic_samples_are_marked(drill: Make) -> None:
    chart = drill_chart(drill(backfilled=True), 1000)
    assert {"synthetic", "samples"} <= set(" ".join(chart.itertext()).split())
    assert chart.find(".//pattern") is not None
    assert drill_chart(drill(), 1000).find(".//pattern") is None


def test_threshold_shows_its_number(drill: Make) -> None:
    assert "> 0.05" in texts(drill_chart(drill(), 1000))


def test_thresholds_show_their_labels(drill: Make) -> None:
    label_sets = [{"service": "web", "a": "b"}, {"service": "a-very-long-service", "a": "b"}]
    lines = [Line(labels, [(BEGAN, 1)]) for labels in label_sets]
    shown = texts(drill_chart(drill(chart=Chart("a", ">", "b", lines, lines)), 1000))
    assert {"web", "threshold"} <= set(shown)


def test_threshold_without_a_number_has_a_generic_label(drill: Make) -> None:
    chart = Chart("a", ">", "b * 2", thresholds=[Line({}, [(BEGAN, 1)])])
    assert "threshold" in texts(drill_chart(drill(chart=chart), 1000))


@pytest.mark.parametrize("chart", [None, Chart("absent(up)")])
def test_chart_without_values_shows_the_events(drill: Make, chart: Chart | None) -> None:
    shown = texts(drill_chart(drill(chart=chart), 1000))
    labels = [label for _, _, label in drill_events(drill())]
    assert shown[shown.index("seconds since the fault began") + 1 :] == labels


def test_ninth_line_has_the_first_colour(drill: Make) -> None:
    lines = [Line({"instance": str(n)}, [(BEGAN, n), (BEGAN + 1, n)]) for n in range(9)]
    drawn = paths(drill_chart(drill(chart=Chart("a", values=lines)), 1000), "line")
    colours = [re.findall(r"var\(--c(.)\)", path.get("style", "")) for path in drawn]
    assert colours == [[digit] for digit in "012345670"]


def test_line_labels_show_the_differences() -> None:
    lines = [Line({"service": "web", "instance": f"web-{n}"}, []) for n in (1, 2)]
    assert line_labels(lines) == ["instance=web-1", "instance=web-2"]
    assert line_labels(lines[:1]) == ["instance=web-1, service=web"]


def test_events_are_chronological(drill: Make) -> None:
    assert drill_events(drill()) == [
        (0, "on", "fault on"),
        (2, "pending", "pending 2.0 s"),
        (6, "firing", "firing 6.0 s"),
        (7.5, "notified", "notified 7.5 s"),
        (10, "off", "fault off 10.0 s"),
        (18, "resolved", "resolved +8.0 s"),
    ]


def test_healing_comes_before_fault_ends(healed: DrillResult) -> None:
    assert [(label, at) for at, _, label in drill_events(healed)][-4:] == [
        ("notified 7.5 s", 7.5),
        ("healed 9.0 s", 9),
        ("resolved +5.0 s", 14),
        ("fault off 16.0 s", 16),
    ]


def test_drill_without_fault_has_no_events(drill: Make) -> None:
    assert drill_events(drill(injected=None)) == []


def test_matplotlib_is_imported_only_to_draw() -> None:
    script = "import sys, alertdrill.cli.app, alertdrill.cli.drill, alertdrill.cli.load;"
    script += "sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
