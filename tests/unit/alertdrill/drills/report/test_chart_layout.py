from __future__ import annotations

from alertdrill.drills.report.chart_layout import layout_chart, line_labels
from alertdrill.drills.result import Chart, Line

from .conftest import BEGAN, Make


def test_ticks_count_from_the_fault(drill: Make) -> None:
    layout = layout_chart(drill(), 1000)
    assert [tick.label for tick in layout.x_ticks][:3] == ["\u221210", "\u22125", "0"]
    assert [tick.label for tick in layout.y_ticks] == ["0", "0.2", "0.4", "0.6"]


def test_all_elements_are_inside_the_chart(drill: Make) -> None:
    layout = layout_chart(drill(), 400)
    assert all(layout.left <= label.x <= layout.right for label in layout.event_labels)
    assert all(layout.left <= tick.at <= layout.right for tick in layout.x_ticks)
    assert all(layout.top <= tick.at <= layout.bottom for tick in layout.y_ticks)


def test_fault_is_between_its_labels(drill: Make) -> None:
    layout = layout_chart(drill(), 1000)
    x = {label.event.kind: label.x for label in layout.event_labels}
    assert layout.fault == (x["on"], x["off"])


def test_fault_that_was_never_removed_lasts(drill: Make) -> None:
    layout = layout_chart(drill(removed=None, times={}), 1000)
    assert layout.fault is not None
    assert layout.fault[1] == layout.right


def test_threshold_shows_its_number(drill: Make) -> None:
    assert [line.label for line in layout_chart(drill(), 1000).thresholds] == ["> 0.05"]


def test_thresholds_show_their_labels(drill: Make) -> None:
    label_sets = [{"service": "web", "a": "b"}, {"service": "a-very-long-service", "a": "b"}]
    lines = [Line(labels, [(BEGAN, 1)]) for labels in label_sets]
    layout = layout_chart(drill(chart=Chart("a", ">", "b", lines, lines)), 1000)
    assert [line.label for line in layout.thresholds] == ["web", "threshold"]


def test_threshold_without_a_number_has_a_generic_label(drill: Make) -> None:
    chart = Chart("a", ">", "b * 2", thresholds=[Line({}, [(BEGAN, 1)])])
    assert layout_chart(drill(chart=chart), 1000).thresholds[0].label == "threshold"


def test_chart_without_values_shows_the_events(drill: Make) -> None:
    layout = layout_chart(drill(chart=Chart("absent(up)")), 1000)
    assert layout.y_ticks == []
    assert len(layout.event_labels) == 6


def test_ninth_line_has_the_first_colour(drill: Make) -> None:
    lines = [Line({"instance": str(n)}, [(BEGAN, n)]) for n in range(9)]
    layout = layout_chart(drill(chart=Chart("a", values=lines)), 1000)
    assert [line.colour for line in layout.lines] == [0, 1, 2, 3, 4, 5, 6, 7, 0]


def test_line_labels_show_the_differences() -> None:
    lines = [Line({"service": "web", "instance": f"web-{n}"}, []) for n in (1, 2)]
    assert line_labels(lines) == ["instance=web-1", "instance=web-2"]
    assert line_labels(lines[:1]) == ["instance=web-1, service=web"]
