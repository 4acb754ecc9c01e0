from __future__ import annotations

from dataclasses import replace

import pytest

from alertdrill.drills.report.formats import healed_by
from alertdrill.drills.report.view_model import build_page, verdict
from alertdrill.drills.result import DrillResult, Report

from .conftest import Make


def test_verdict_is_a_sentence(report: Report, failed: DrillResult, drill: Make) -> None:
    def of(*results: DrillResult) -> str:
        return verdict(replace(report, results=results))

    assert of() == "No drill was run."
    assert of(drill()) == "The drill passed."
    assert of(drill(), drill()) == "All 2 drills passed."
    assert of(failed) == "The drill did not pass."
    assert of(failed, failed) == "None of 2 drills passed."
    assert of(drill(), failed) == "1 of 2 drills did not pass."


def test_skipped_drills_are_counted_apart(
    report: Report, failed: DrillResult, skipped: DrillResult, drill: Make
) -> None:
    shown = build_page(replace(report, results=[drill(), skipped, failed]))
    assert shown.verdict == "1 of 2 drills did not pass. 1 drill was skipped."
    assert [row.result.verdict for row in shown.drills] == ["failed", "skipped", "passed"]
    tiles = {tile.label: (tile.value, tile.detail) for tile in shown.tiles}
    assert tiles["Did not pass"] == ("1", "1 failed, 1 skipped")
    assert "lacks a component" in shown.drills[1].meaning


@pytest.mark.parametrize(
    ("speed", "text"),
    [
        (1, "1, the real durations"),
        (12, "12: every duration of rules and routes is divided by 12"),
    ],
)
def test_speed_is_stated(report: Report, speed: float, text: str) -> None:
    assert ("Speed", text) in build_page(replace(report, speed=speed)).facts


def test_tiles_summarize_the_run(report: Report) -> None:
    tiles = {tile.label: (tile.value, tile.detail) for tile in build_page(report).tiles}
    assert tiles == {
        "Passed": ("1", "of 3 drills"),
        "Did not pass": ("2", "1 failed, 1 aborted"),
        "Median ratio": ("1.20\u00d7", "time to firing over the theoretical minimum"),
        "Worst ratio": ("1.20\u00d7", "WebHighErrorRate"),
    }


def test_run_without_ratios_has_no_ratio_tiles(report: Report, aborted: DrillResult) -> None:
    assert len(build_page(replace(report, results=[aborted])).tiles) == 2


def test_failed_drills_come_first_and_are_open(report: Report, drill: Make) -> None:
    many = replace(report, results=[drill(), drill(), *report.results])
    rows = [(row.result.alert, row.open) for row in build_page(many).drills]
    assert rows[:3] == [("HighLatency", True), ("NoTraffic", True), ("WebHighErrorRate", False)]


def test_few_drills_are_all_open(report: Report) -> None:
    assert all(row.open for row in build_page(report).drills)


def test_phases_have_their_bounds(report: Report, drill: Make) -> None:
    [view] = build_page(replace(report, results=[drill()])).drills
    assert [(phase.name, phase.took, phase.note) for phase in view.phases] == [
        ("pending", "2.0 s", ""),
        ("firing", "6.0 s", "minimum 5.0 s"),
        ("notified", "7.5 s", "minimum 6.0 s, limit 15.0 s"),
        ("resolved", "8.0 s", "limit 20.0 s"),
    ]


def test_healing_is_a_phase(report: Report, healed: DrillResult, drill: Make) -> None:
    shown, other = build_page(replace(report, results=[healed, drill()])).drills
    assert [(phase.name, phase.took, phase.note) for phase in shown.phases[-2:]] == [
        ("healed", "9.0 s", "limit 41.0 s"),
        ("resolved", "5.0 s", "limit 20.0 s, since the healing"),
    ]
    assert (shown.healing, other.healing) == (healed_by(healed), "")


@pytest.mark.parametrize(("minimum", "slow"), [(3.0, False), (2.9, True), (None, False)])
def test_over_twice_the_minimum_is_slow(
    report: Report, drill: Make, minimum: float | None, slow: bool
) -> None:
    [view] = build_page(replace(report, results=[drill(minimum_firing=minimum)])).drills
    assert view.slow is slow


@pytest.mark.parametrize(
    ("queries", "skipped_reason", "text"),
    [
        (3, "", "3 queries returned data during the fault."),
        (1, "", "1 query returned data during the fault."),
        (0, "", ""),
        (2, "Loki is away", "2 queries returned data during the fault. Skipped: Loki is away."),
    ],
)
def test_runbook_queries_are_counted(
    report: Report, drill: Make, queries: int, skipped_reason: str, text: str
) -> None:
    result = drill(queries=queries, queries_skipped=skipped_reason)
    [view] = build_page(replace(report, results=[result])).drills
    assert view.queries == text


def test_drill_without_fault_has_no_chart(report: Report, aborted: DrillResult) -> None:
    [view] = build_page(replace(report, results=[aborted])).drills
    assert view.charts == []
