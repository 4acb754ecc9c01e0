import pytest

from alertdrill.loads.errors import LoadError
from alertdrill.loads.profile import LoadProfile, Objectives, Recovery, load_profile, load_profiles

STAIRS = [(0, 0.5), (0.5, 0.5), (0.5, 1.0), (1, 1.0)]


def test_every_load_can_be_read() -> None:
    assert {"smoke", "steady", "stairs", "spike", "soak"} <= set(load_profiles())
    assert load_profile("steady").objectives == Objectives(p95=0.5, errors=0.001, requests=0.9)
    assert load_profile("spike").duration == 900


def test_unknown_load_lists_the_known() -> None:
    with pytest.raises(LoadError, match=r"^no load named 'waves': known loads are smoke, steady, "):
        load_profile("waves")


@pytest.mark.parametrize(
    ("clients", "requests"), [([(0, 1), (1, 1)], 240), (STAIRS, 180), ([(0, 0), (1, 1)], 120)]
)
def test_requests_are_the_area_below_the_clients(
    clients: list[tuple[float, float]], requests: float
) -> None:
    made = LoadProfile("x", "X.", 4, 60, clients, Objectives(1, 0, 1))
    assert made.expected_requests(24, 10) == requests


def test_load_that_waits_for_alerts_is_rehearsed_faster() -> None:
    spike = load_profile("spike").at(12)
    assert (spike.duration, spike.recovery) == (75, Recovery(p95=0.5, deadline=25))
    assert load_profile("soak").at(12) == load_profile("soak")


def test_peak_is_when_all_clients_are_there() -> None:
    assert load_profile("spike").peak(1000, 100) == (1008, 1060)
    assert load_profile("steady").peak(0, 60) == (0, 60)
