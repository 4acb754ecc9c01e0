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


REQUESTS = """\
duration: 1m
  requests:
    - {path: /orders/3}
    - {path: "/orders?a=1", method: POST, json: {pieces: 3}, headers: {Host: orders.localhost}}
"""


def test_requests_of_a_profile_are_read(tmp_path: Path) -> None:
    file = tmp_path / "profiles.yml"
    file.write_text(PROFILE.format("service: web", REQUESTS))
    profile = load_profiles(file)["steady"]
    get, post = profile.requests
    assert (get.method, get.path, get.body, get.headers) == ("GET", "/orders/3", None, {})
    assert (post.method, post.path, post.body) == ("POST", "/orders?a=1", {"pieces": 3})
    assert post.headers == {"Host": "orders.localhost"}


def test_flat_loads_have_a_constant_number_of_clients() -> None:
    flat = {name for name, profile in load_profiles().items() if profile.flat}
    assert {"steady", "smoke", "soak"} <= flat
    assert not {"stairs", "spike"} & flat


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steady: 1", "profiles.yml:1: steady must be a mapping"),
        ("duration: 60", "profiles.yml:6: duration is '60': use a duration such as 90s"),
        ("duration: 1m\n  usres: 5", "profiles.yml:7: usres is unknown: known keys are "),
        ("duration: 1m\n  service: shop", "profiles.yml:7: service is 'shop': use one of web"),
        ("duration: 1m\n  mix: {fast: 1}", "profiles.yml:7: "),
        ("duration: 1m\n  requests: []", "profiles.yml:7: requests"),
        (
            "duration: 1m\n  mix: {normal: 1}\n  requests: [{path: /a}]",
            "profiles.yml:8: mix and requests exclude each other: use one of them.",
        ),
        (
            "duration: 1m\n  requests:\n  - {path: orders/3}",
            "profiles.yml:8: path is 'orders/3': use a path that starts with a slash",
        ),
        ("duration: 1m\n  requests: [{path: /a, method: FETCH}]", "method is 'FETCH': use 'GET'"),
        ("duration: 1m\n  requests: [{path: /a, body: 1}]", "profiles.yml:7: "),
        ("duration: 1m\n  requests: [{method: GET}]", "profiles.yml:7: path is missing"),
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
