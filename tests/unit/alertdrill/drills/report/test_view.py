from __future__ import annotations

from dataclasses import replace

import pytest

from alertdrill.drills.outcome import Outcome, Report
from alertdrill.drills.report.healing import healed_by
from alertdrill.drills.report.view import page, verdict

from .conftest import Make


def test_verdict_is_a_sentence(report: Report, failed: Outcome, drill: Make) -> None:
    def of(*outcomes: Outcome) -> str:
        return verdict(replace(report, outcomes=outcomes))

    assert of() == "No drill was run."
    assert of(drill()) == "The drill passed."
    assert of(drill(), drill()) == "All 2 drills passed."
    assert of(failed) == "The drill did not pass."
    assert of(failed, failed) == "None of 2 drills passed."
    assert of(drill(), failed) == "1 of 2 drills did not pass."


def test_skipped_drills_are_counted_apart(
    report: Report, failed: Outcome, skipped: Outcome, drill: Make
) -> None:
    shown = page(replace(report, outcomes=[drill(), skipped, failed]))
    assert shown.verdict == "1 of 2 drills did not pass. 1 drill could not be run here."
    assert [each.found.verdict for each in shown.drills] == ["failed", "skipped", "passed"]
    tiles = {tile.label: (tile.value, tile.detail) for tile in shown.tiles}
    assert tiles["Did not pass"] == ("1", "1 failed, 1 skipped")
    assert "not proven here" in shown.drills[1].meaning


@pytest.mark.parametrize(
    ("speed", "says"),
    [
        (1, "1, the real durations"),
        (12, "12: every duration of the rules and routes was divided by 12"),
    ],
)
def test_speed_is_stated(report: Report, speed: float, says: str) -> None:
    assert ("Speed", says) in page(replace(report, speed=speed)).facts


def test_tiles_sum_up(report: Report) -> None:
    tiles = {tile.label: (tile.value, tile.detail) for tile in page(report).tiles}
    assert tiles == {
        "Passed": ("1", "of 3 drills"),
        "Did not pass": ("2", "1 failed, 1 aborted"),
        "Median ratio": ("1.20\u00d7", "time to firing over the theoretical least"),
        "Worst ratio": ("1.20\u00d7", "WebHighErrorRate"),
    }


def test_without_ratios_there_are_no_such_tiles(report: Report, aborted: Outcome) -> None:
    assert len(page(replace(report, outcomes=[aborted])).tiles) == 2


def test_what_did_not_pass_comes_first_and_is_open(report: Report, drill: Make) -> None:
    many = replace(report, outcomes=[drill(), drill(), *report.outcomes])
    found = [(each.found.alert, each.open) for each in page(many).drills]
    assert found[:3] == [("HighLatency", True), ("NoTraffic", True), ("WebHighErrorRate", False)]


def test_few_are_all_open(report: Report) -> None:
    assert all(each.open for each in page(report).drills)


def test_phases_have_their_bounds(report: Report, drill: Make) -> None:
    [found] = page(replace(report, outcomes=[drill()])).drills
    assert [(phase.name, phase.took, phase.note) for phase in found.phases] == [
        ("pending", "2.0 s", ""),
        ("firing", "6.0 s", "least 5.0 s"),
        ("notified", "7.5 s", "least 6.0 s, limit 15.0 s"),
        ("resolved", "8.0 s", "limit 20.0 s"),
    ]


def test_healing_is_a_phase(report: Report, healed: Outcome, drill: Make) -> None:
    shown, other = page(replace(report, outcomes=[healed, drill()])).drills
    assert [(phase.name, phase.took, phase.note) for phase in shown.phases[-2:]] == [
        ("healed", "9.0 s", "limit 41.0 s"),
        ("resolved", "5.0 s", "limit 20.0 s, since it was healed"),
    ]
    assert (shown.healing, other.healing) == (healed_by(healed), "")


@pytest.mark.parametrize(("least", "slow"), [(3.0, False), (2.9, True), (None, False)])
def test_over_twice_the_least_is_slow(
    report: Report, drill: Make, least: float | None, slow: bool
) -> None:
    [found] = page(replace(report, outcomes=[drill(least=least)])).drills
    assert found.slow is slow


@pytest.mark.parametrize(
    ("queries", "left_out", "says"),
    [
        (3, "", "3 queries ran while the fault was on; all returned data."),
        (1, "", "1 query ran while the fault was on; all returned data."),
        (0, "", ""),
        (2, "Loki is away", "2 queries ran while the fault was on. Left out: Loki is away."),
    ],
)
def test_queries_are_told_of(
    report: Report, drill: Make, queries: int, left_out: str, says: str
) -> None:
    outcome = drill(queries=queries, queries_left_out=left_out)
    [found] = page(replace(report, outcomes=[outcome])).drills
    assert found.queries == says


def test_drill_without_fault_has_no_chart(report: Report, aborted: Outcome) -> None:
    [found] = page(replace(report, outcomes=[aborted])).drills
    assert found.plots == []
