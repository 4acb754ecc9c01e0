import pytest

from alertdrill.loads.capacity_search import max_passing, next_users


def search_steps(capacity: int, first: int = 40, maximum: int = 800) -> list[int]:
    """Return the steps of a search on a stack that meets its objectives up to a capacity."""
    passed: dict[int, bool] = {}
    while users := next_users(passed, first, maximum, 0.1):
        passed[users] = users <= capacity
    return list(passed)


def test_steps_double_until_a_miss_then_bisect() -> None:
    assert search_steps(170) == [40, 80, 160, 320, 240, 200, 180, 170]


@pytest.mark.parametrize("capacity", [1, 5, 40, 99, 170, 555])
def test_capacity_is_exact_to_ten_percent(capacity: int) -> None:
    passed = {users: users <= capacity for users in search_steps(capacity, first=1)}
    assert (
        max_passing(passed) <= capacity <= max(max_passing(passed) + 1, max_passing(passed) * 1.1)
    )
    assert len(passed) <= 16


def test_search_stops_at_the_maximum() -> None:
    assert search_steps(10_000) == [40, 80, 160, 320, 640, 800]


def test_first_step_that_misses_gives_zero() -> None:
    steps = search_steps(0)
    assert steps[0] == 40
    assert max_passing(dict.fromkeys(steps, False)) == 0


def test_passing_step_above_a_missed_one_does_not_count() -> None:
    assert max_passing({40: True, 80: False, 160: True}) == 40
