from __future__ import annotations

from alertdrill.drills.report.chart_layout import layout_chart, line_labels
from alertdrill.drills.result import Chart, Line

from .conftest import BEGAN, Make


def test_ticks_count_from_the_fault(drill: Make) -> None:
    found = layout_chart(drill(), 1000)
    assert [tick.label for tick in found.x_ticks][:3] == ["\u221210", "\u22125", "0"]
    assert [tick.label for tick in found.y_ticks] == ["0", "0.2", "0.4", "0.6"]


def test_everything_is_inside(drill: Make) -> None:
    found = layout_chart(drill(), 400)
    assert all(found.left <= label.x <= found.right for label in found.event_labels)
    assert all(found.left <= tick.at <= found.right for tick in found.x_ticks)
    assert all(found.top <= tick.at <= found.bottom for tick in found.y_ticks)


def test_fault_is_between_its_marks(drill: Make) -> None:
    found = layout_chart(drill(), 1000)
    x = {label.event.kind: label.x for label in found.event_labels}
    assert found.fault == (x["on"], x["off"])


def test_fault_that_was_never_mended_lasts(drill: Make) -> None:
    found = layout_chart(drill(removed=None, times={}), 1000)
    assert found.fault is not None
    assert found.fault[1] == found.right


def test_threshold_shows_its_number(drill: Make) -> None:
    assert [line.label for line in layout_chart(drill(), 1000).thresholds] == ["> 0.05"]


def test_thresholds_show_whose_they_are(drill: Make) -> None:
    whose = [{"service": "web", "a": "b"}, {"service": "a-very-long-service", "a": "b"}]
    lines = [Line(each, [(BEGAN, 1)]) for each in whose]
    found = layout_chart(drill(chart=Chart("a", ">", "b", lines, lines)), 1000)
    assert [line.label for line in found.thresholds] == ["web", "threshold"]


def test_expression_as_threshold_is_called_so(drill: Make) -> None:
    chart = Chart("a", ">", "b * 2", thresholds=[Line({}, [(BEGAN, 1)])])
    assert layout_chart(drill(chart=chart), 1000).thresholds[0].label == "threshold"


def test_nothing_to_draw_still_has_moments(drill: Make) -> None:
    found = layout_chart(drill(chart=Chart("absent(up)")), 1000)
    assert found.y_ticks == []
    assert len(found.event_labels) == 6


def test_ninth_line_has_the_first_colour(drill: Make) -> None:
    lines = [Line({"instance": str(n)}, [(BEGAN, n)]) for n in range(9)]
    found = layout_chart(drill(chart=Chart("a", values=lines)), 1000)
    assert [line.colour for line in found.lines] == [0, 1, 2, 3, 4, 5, 6, 7, 0]


def test_label_says_only_what_differs() -> None:
    lines = [Line({"service": "web", "instance": f"web-{n}"}, []) for n in (1, 2)]
    assert line_labels(lines) == ["instance=web-1", "instance=web-2"]
    assert line_labels(lines[:1]) == ["instance=web-1, service=web"]
