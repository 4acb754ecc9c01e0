import re
from pathlib import Path

import pytest

from alertdrill.load.profile import (
    LoadError,
    Objectives,
    Recovery,
    load_profile,
    load_profiles,
)

PROFILE = """\
steady:
  description: Normal.
  users: 5
  clients: [[0, 1], [1, 1]]
  objectives: {{p95: 1s, errors: 0, requests: 1}}
  {1}
  {0}
"""
STAIRS = [(0, 0.5), (0.5, 0.5), (0.5, 1.0), (1, 1.0)]


def test_committed_profiles_load() -> None:
    assert {"smoke", "steady", "stairs", "spike", "soak"} <= set(load_profiles())
    assert load_profile("steady").objectives == Objectives(errors=0.001, requests=0.9)
    assert load_profile("spike").duration == 900


def test_unknown_load_is_refused_with_the_known_names() -> None:
    with pytest.raises(LoadError, match=r"^no load named 'waves': known loads are smoke, steady, "):
        load_profile("waves")


@pytest.mark.parametrize(
    ("clients", "requests"), [([(0, 1), (1, 1)], 240), (STAIRS, 180), ([(0, 0), (1, 1)], 120)]
)
def test_expected_requests_are_the_area_below_the_client_curve(
    clients: list[tuple[float, float]], requests: float
) -> None:
    profile = load_profile("capacity").resized(24, 15).model_copy(update={"clients": clients})
    assert profile.expected_requests == requests  # in 10 s: the first 5 s are not counted


def test_speed_shortens_only_loads_that_wait_for_alerts() -> None:
    spike = load_profile("spike").at(12)
    assert (spike.duration, spike.recovery) == (75, Recovery(deadline=25))
    assert load_profile("soak").at(12) == load_profile("soak")


@pytest.mark.parametrize(
    ("users", "duration", "size"), [(None, None, (24, 60)), (5, None, (5, 60)), (5, 9, (5, 9))]
)
def test_profile_has_the_given_size(
    users: int | None, duration: float | None, size: tuple[int, float]
) -> None:
    profile = load_profile("steady").resized(users, duration)
    assert (profile.users, profile.duration) == size


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steady: 1", "profiles.yml:1: steady must be a mapping"),
        ("duration: 60", "profiles.yml:6: duration is '60': use a duration such as 90s"),
        ("duration: 1m\n  usres: 5", "profiles.yml:7: usres is unknown: known keys are "),
        ("duration: 1m\n  service: shop", "profiles.yml:7: service is 'shop': use one of web"),
        ("duration: 1m\n  mix: {fast: 1}", "profiles.yml:7: "),
    ],
)
def test_invalid_profile_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    file = tmp_path / "profiles.yml"
    monkeypatch.setattr("alertdrill.load.profile.PROFILES_FILE", file)
    service = "" if "service" in text else "service: web"
    file.write_text(text if text.startswith("steady") else PROFILE.format(service, text))
    with pytest.raises(LoadError, match=re.escape(message)):
        load_profiles()
