from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alertdrill.audit.counters import counter_increase


def row(instance: str, values: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "metric": {"instance": instance},
        "values": [[moment, str(value)] for moment, value in values],
    }


def test_growth_begins_at_its_moment() -> None:
    starts = [row("web-1", [(1, 0.5), (2, 0.5), (3, 0.5)])]
    assert counter_increase([row("web-1", [(1, 5), (2, 7), (3, 10)])], starts, since=2.5) == 3


def test_new_instance_counts_from_zero() -> None:
    starts = [row("web-3", [(5, 4.0), (6, 4.0)])]
    assert counter_increase([row("web-3", [(5, 2), (6, 9)])], starts, since=1) == 9


def test_restart_past_the_old_value_is_seen() -> None:
    starts = [row("web-1", [(1, 0.5), (9, 8.0)])]
    assert counter_increase([row("web-1", [(1, 5), (9, 6)])], starts, since=2) == 6


def test_program_without_a_start_grows() -> None:
    assert counter_increase([row("lb-1", [(1, 5), (9, 6)])], [], since=2) == 1


@given(st.lists(st.lists(st.integers(0, 50), min_size=1), min_size=1))
def test_no_restart_loses_a_count(lives: list[list[int]]) -> None:
    # Each life of an instance is what it counts between its scrapes.
    counted: list[tuple[float, float]] = []
    starts: list[tuple[float, float]] = []
    moment = 0
    for number, life in enumerate(lives):
        total = 0
        for grown in life:
            total, moment = total + grown, moment + 1
            counted.append((moment, total))
            starts.append((moment, float(number)))
    assert counter_increase([row("web-1", counted)], [row("web-1", starts)], 0) == sum(
        map(sum, lives)
    )
