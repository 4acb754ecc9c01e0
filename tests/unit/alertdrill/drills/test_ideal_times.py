from __future__ import annotations

import math
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.drills.ideal_times import Pipeline, find_pipeline, ideal_times
from alertdrill.drills.model import Crossing, Expectation
from alertdrill.drills.result import IdealTime
from tests.unit.alertdrill.drills.fakes import make_drill

SCRAPE, EVALUATION, HOLD, WINDOW = 5.0, 5.0, 30.0, 60.0
PIPELINE = Pipeline(
    expression="avg_over_time(level[1m]) > 0.5",
    scrape=SCRAPE,
    evaluations=[EVALUATION],
    hold=HOLD,
    group_wait=10.0,
)


def test_waits_are_between_zero_and_an_interval() -> None:
    drill = make_drill(crossing=Crossing(fastest=4, slowest=6, fixed_delay=1.0))
    assert ideal_times(drill, PIPELINE, 1.0) == {
        "firing": IdealTime(4 + 30, (34 + 47) / 2, 6 + 1 + 5 + 5 + 30),
        "notified": IdealTime(44, (44 + 57) / 2, 57),
    }


def test_speed_shortens_all_but_the_fixed_delay() -> None:
    drill = make_drill(crossing=Crossing(fastest=4, slowest=6, fixed_delay=1.0))
    firing = ideal_times(drill, PIPELINE, 10.0)["firing"]
    assert (firing.fastest, firing.slowest) == pytest.approx((3.4, 4.6 + 1))


def test_rule_gives_the_share_of_its_window() -> None:
    """From 0.1 to 0.9, half of the window must have the fault for 0.5."""
    drill = make_drill(crossing=Crossing(before=0.1, during=0.9))
    firing = ideal_times(drill, PIPELINE, 1.0)["firing"]
    assert (firing.fastest, firing.slowest) == pytest.approx((30 - 5 + 30, 30 + 5 + 5 + 30))


def test_every_group_in_the_chain_is_awaited() -> None:
    firing = ideal_times(make_drill(), replace(PIPELINE, evaluations=[60, 5]), 1.0)["firing"]
    assert (firing.fastest, firing.slowest) == (30, 5 + 60 + 5 + 30)


def test_late_notification_has_no_ideal_time() -> None:
    drill = make_drill(expect=Expectation(notified="late"))
    assert list(ideal_times(drill, PIPELINE, 1.0)) == ["firing"]
    drill = make_drill(expect=Expectation(notified="WatchdogMissing"))
    assert ideal_times(drill, PIPELINE, 1.0) == {}


@given(
    during=st.floats(0.51, 20),
    phases=st.tuples(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True)),
)
def test_no_chain_is_faster_or_slower(during: float, phases: tuple[float, float]) -> None:
    """The fault begins at 0 and raises the level from 0; the ticks have any phase."""
    drill = make_drill(crossing=Crossing(during=during))
    firing = ideal_times(drill, PIPELINE, 1.0)["firing"]
    fired = simulate_firing(during, SCRAPE * phases[0], EVALUATION * phases[1])
    assert firing.fastest - 1e-6 <= fired <= firing.slowest + 1e-6


def simulate_firing(during: float, first_scrape: float, first_evaluation: float) -> float:
    """Return when an alert fires that compares the mean of a window's samples with 0.5."""
    samples = WINDOW / SCRAPE
    pending = math.inf
    for tick in count():
        now = first_evaluation + tick * EVALUATION
        with_fault = min(samples, math.floor((now - first_scrape) / SCRAPE) + 1)
        if with_fault * during / samples > 0.5:
            pending = min(pending, now)
        if now - pending >= HOLD - 1e-6:
            return now
    raise AssertionError


@pytest.mark.parametrize(
    ("alert", "intervals"),
    [
        ("InstanceDown", [5]),
        # The objective is recorded, but no fault changes it.
        ("HighLatency", [5]),
        # The rate, then the alert. Yesterday's rate is recorded too, but no fault changes it.
        ("NoTraffic", [5, 5]),
        # The rates, then the burn rate beside the alert.
        ("AvailabilityBurnFast", [5, 5]),
        ("AvailabilityBurnSlow", [5, 5, 60]),
    ],
)
def test_chain_has_the_groups_that_carry_the_fault(alert: str, intervals: list[float]) -> None:
    pipeline = find_pipeline(alert)
    assert pipeline is not None
    assert pipeline.evaluations == intervals


def test_log_lines_need_no_scrape() -> None:
    pipeline = find_pipeline("LogsMissing")
    assert pipeline is not None
    assert (pipeline.scrape, pipeline.hold, pipeline.group_wait) == (0, 60, 10)


def test_unknown_alert_has_no_pipeline() -> None:
    assert find_pipeline("Nothing") is None
