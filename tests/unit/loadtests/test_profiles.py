from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from locust.argument_parser import get_parser

from loadtests import profiles
from loadtests.profiles import SHAPES, Profile, Shape, ShapeError


def started(
    shape: Shape, seconds_ago: float = 0, users: int = 24, run_time: int | None = None
) -> Shape:
    """Return the shape as if it had started this many seconds ago."""
    options = SimpleNamespace(num_users=users, run_time=run_time)
    shape.runner = SimpleNamespace(environment=SimpleNamespace(parsed_options=options))
    shape.start_time -= seconds_ago
    return shape


@pytest.mark.parametrize("users", [1, 24, 200])
def test_steady_load_keeps_its_users(users: int) -> None:
    stages = [started(SHAPES["steady"](), seconds, users).tick() for seconds in (0, 1, 60, 86_400)]
    assert stages == [(users, users / 2)] * 4


def test_run_time_ends_the_load() -> None:
    assert started(SHAPES["steady"](), 9, run_time=10).tick() is not None
    assert started(SHAPES["steady"](), 10, run_time=10).tick() is None


def test_load_ends_with_its_profile() -> None:
    assert started(SHAPES["spike"](), 899).tick() is not None
    assert started(SHAPES["spike"](), 900).tick() is None


def test_profile_is_stretched_to_the_run_time() -> None:
    spike = [started(SHAPES["spike"](), at, 100, run_time=60).tick() for at in (0, 4, 20, 40)]
    assert [stage and stage[0] for stage in spike] == [20, 20, 100, 20]


def test_share_at_a_step_is_the_later_one() -> None:
    profile = Profile("stairs", 4, 60, [(0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)], (1, 0, 0))
    assert [profile.user_fraction(time) for time in (0, 0.25, 0.4999, 0.5, 1)] == [
        0.5,
        0.5,
        0.5,
        1,
        1,
    ]


def test_share_between_points_is_interpolated() -> None:
    profile = Profile("ramp", 4, 60, [(0, 0), (1, 1)], (1, 0, 0))
    assert [profile.user_fraction(time) for time in (0, 0.25, 1)] == [0, 0.25, 1]


@pytest.mark.parametrize("name", SHAPES)
def test_profiles_cover_the_whole_run(name: str) -> None:
    times, shares = zip(*SHAPES[name].profile.clients, strict=True)
    assert (times[0], times[-1]) == (0, 1)
    assert list(times) == sorted(times)
    assert max(shares) == 1
    assert min(shares) > 0


def test_profile_has_its_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "profiles.yml"
    file.write_text(
        "orders: {users: 2, duration: 1m, clients: [[0, 1], [1, 1]], requests: [{path: /orders}]}"
    )
    monkeypatch.setattr(profiles, "PROFILES_FILE", file)
    (profile,) = profiles._profiles()
    assert (profile.mix, profile.requests) == ([0, 0, 0, 0], [{"path": "/orders"}])


@pytest.mark.parametrize("variables", [{}, {"LOAD_SHAPE": ""}, {"LOAD_SHAPE": "steady"}])
def test_steady_is_the_default(variables: dict[str, str]) -> None:
    assert profiles.selected_shape(variables) is SHAPES["steady"]


def test_unknown_shape_is_refused_with_the_known_names() -> None:
    with pytest.raises(
        ShapeError,
        match=r"^LOAD_SHAPE is 'waves': use one of smoke, steady, stairs, spike, soak, capacity\b",
    ):
        profiles.selected_shape({"LOAD_SHAPE": "waves"})


def test_no_shape_is_abstract() -> None:
    assert [shape for shape in profiles.SHAPES.values() if shape.abstract] == []


def test_command_line_overrides_our_defaults() -> None:
    parser: ArgumentParser = get_parser()
    profiles.set_defaults(parser)
    defaults = parser.parse_args([])
    assert (defaults.num_users, defaults.stop_timeout) == (24, 1)
    chosen = parser.parse_args(["--users", "7", "--stop-timeout", "30"])
    assert (chosen.num_users, chosen.stop_timeout) == (7, 30)
