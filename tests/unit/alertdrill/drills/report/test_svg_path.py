from __future__ import annotations

import math

from alertdrill.drills.report.svg_path import path, split_at_gaps


def test_missing_samples_are_a_gap() -> None:
    segments = list(split_at_gaps([(0, 1), (1, 1), (2, 1), (6, 1), (7, 1)]))
    assert segments == [[(0, 1), (1, 1), (2, 1)], [(6, 1), (7, 1)]]


def test_one_missed_scrape_is_no_gap() -> None:
    assert len(list(split_at_gaps([(0, 1), (1, 1), (3, 1), (4, 1)]))) == 1


def test_values_that_are_not_finite_are_dropped() -> None:
    assert list(split_at_gaps([(0, 1), (1, math.nan), (2, math.inf)])) == [[(0, 1)]]


def test_no_points_have_no_segments() -> None:
    assert list(split_at_gaps([])) == []
    assert path([]) == ""


def test_horizontal_line_is_two_points() -> None:
    assert path([[(x, 5) for x in range(100)]]) == "M0.0 5.0L99.0 5.0"


def test_step_keeps_its_corners() -> None:
    points = [(0, 0), (1, 0), (2, 0), (3, 9), (4, 9), (5, 9)]
    assert path([points]) == "M0.0 0.0L2.0 0.0L3.0 9.0L5.0 9.0"


def test_slow_rise_is_not_flattened() -> None:
    assert path([[(0, 0), (1, 0.2), (2, 0.4), (3, 0.6)]]) == "M0.0 0.0L1.0 0.2L2.0 0.4L3.0 0.6"


def test_single_point_is_a_dot() -> None:
    assert path([[(1, 2)]]) == "M1.0 2.0L1.0 2.0"
