import pytest

from alertdrill.loads.capacity_search import max_passing, next_users


def searched(capacity: int, first: int = 40, most: int = 800) -> list[int]:
    """Return the steps of a search on a stack that meets its objectives up to a capacity."""
    held: dict[int, bool] = {}
    while users := next_users(held, first, most, 0.1):
        held[users] = users <= capacity
    return list(held)


def test_steps_double_then_halve() -> None:
    assert searched(170) == [40, 80, 160, 320, 240, 200, 180, 170]


@pytest.mark.parametrize("capacity", [1, 5, 40, 99, 170, 555])
def test_capacity_is_known_within_a_tenth(capacity: int) -> None:
    held = {users: users <= capacity for users in searched(capacity, first=1)}
    assert max_passing(held) <= capacity <= max(max_passing(held) + 1, max_passing(held) * 1.1)
    assert len(held) <= 16


def test_search_ends_at_its_bound() -> None:
    assert searched(10_000) == [40, 80, 160, 320, 640, 800]


def test_first_step_may_miss() -> None:
    steps = searched(0)
    assert steps[0] == 40
    assert max_passing(dict.fromkeys(steps, False)) == 0


def test_step_above_a_miss_does_not_count() -> None:
    assert max_passing({40: True, 80: False, 160: True}) == 40
