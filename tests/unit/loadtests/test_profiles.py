from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from locust.argument_parser import get_parser

from loadtests import profiles
from loadtests.profiles import SHAPES, Profile, Shape, ShapeError
from tests.http_server import Peer
from tests.unit.apps.instance import poll_until

ROOT = Path(__file__).resolve().parents[3]


def started(
    shape: Shape, seconds_ago: float = 0, users: int = 24, run_time: int | None = None
) -> Shape:
    """Return the shape as if it had started this many seconds ago."""
    options = SimpleNamespace(num_users=users, run_time=run_time)
    shape.runner = SimpleNamespace(environment=SimpleNamespace(parsed_options=options))
    shape.start_time -= seconds_ago
    return shape


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@contextmanager
def locust(host: str, *options: str, shape: str = "") -> Iterator[subprocess.Popen[str]]:
    command = [
        *(sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py"),
        *("--headless", "--host", host, *options),
    ]
    environment: dict[str, str] = {**os.environ, "LOAD_SHAPE": shape}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


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


@pytest.mark.parametrize("variables", [{}, {"LOAD_SHAPE": ""}, {"LOAD_SHAPE": "steady"}])
def test_steady_is_the_default(variables: dict[str, str]) -> None:
    assert profiles.selected_shape(variables) is SHAPES["steady"]


def test_unknown_shape_is_refused_with_the_known_names() -> None:
    with pytest.raises(
        ShapeError,
        match=r"^LOAD_SHAPE is 'waves': use one of smoke, steady, stairs, spike, soak, capacity\.$",
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


@pytest.fixture(scope="module")
def stats(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[str, str]]]:
    """Return the requests of each shape in a brief run; all shapes run at the same time."""
    folder = tmp_path_factory.mktemp("stats")
    with ExitStack() as cleanup:
        processes = []
        for name in SHAPES:
            peer = Peer()
            cleanup.callback(peer.close)
            options = ("--run-time", "8s", "--json-file", str(folder / name))
            processes.append(cleanup.enter_context(locust(peer.url, *options, shape=name)))
        for process in processes:
            process.communicate(timeout=120)
    return {name: requests_of(folder / f"{name}.json") for name in SHAPES}


def requests_of(stats: Path) -> set[tuple[str, str]]:
    return {(entry["method"], entry["name"]) for entry in json.loads(stats.read_text())}


@pytest.mark.parametrize("name", SHAPES)
def test_every_task_is_run_in_every_shape(
    stats: dict[str, set[tuple[str, str]]], name: str
) -> None:
    """This holds even in a brief run."""
    slow = {("POST", "/process (slowly)")} if name == "spike" else set()
    assert stats[name] == slow | {
        ("POST", "/process"),
        ("GET", "/"),
        ("POST", "/process (2,000 rows)"),
        ("POST", "/process (refused with 415)"),
        ("POST", "/process (refused with 400)"),
        ("POST", "/process (refused with 422)"),
        ("GET", "/process (refused with 405)"),
        ("GET", "/no-such-page (refused with 404)"),
    }


def test_sigterm_ends_the_load_with_statistics(peer: Peer) -> None:
    with locust(peer.url, "--users", "3", "--only-summary") as process:
        poll_until(lambda: len({arrival.port for arrival in peer.requests}) == 3, "three clients")
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Aggregated" in output


def test_load_ends_after_its_run_time(peer: Peer) -> None:
    with locust(peer.url, "--users", "1", "--run-time", "1s", "--only-summary") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert peer.requests


def test_unknown_shape_prints_one_line() -> None:
    with locust("http://127.0.0.1:9", shape="waves") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    shapes = "smoke, steady, stairs, spike, soak, capacity"
    assert output == f"locust: LOAD_SHAPE is 'waves': use one of {shapes}.\n"


def test_metrics_can_be_scraped_during_the_load(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("LOCUST_METRICS_PORT", str(port))
    with locust(peer.url, "--users", "3", "--run-time", "3s", "--only-summary") as process:
        text = poll_until(lambda: scraped(port, "locust_users 3.0"), "three clients")
        # Its last numbers wait for one more scrape, and for no second one.
        while process.poll() is None:
            last = scraped(port, "locust_users 0.0")
            text = last or text
        process.communicate(timeout=10)
    counted = sum(map(float, re.findall(r"^locust_requests_total{.*} ([\d.]+)$", text, re.M)))
    assert counted == len(peer.requests)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def scraped(port: int, text_awaited: str) -> str:
    """Return the metrics at a port if they contain a text, else an empty text."""
    try:
        text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=2).text
    except requests.RequestException:
        return ""
    return text if text_awaited in text else ""
