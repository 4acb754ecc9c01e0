from __future__ import annotations

import os
import signal
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from locust.argument_parser import get_parser

from loadtests import shapes
from loadtests.shapes import Shape, ShapeError, Steady
from tests.unit.apps.instance import poll_until
from tests.unit.apps.loopback import Peer

ROOT = Path(__file__).resolve().parents[3]


def started(
    shape: Shape, seconds_ago: float = 0, users: int = 24, run_time: int | None = None
) -> Shape:
    """Return the shape as Locust has it so long after the start."""
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
def test_steady_stays_as_asked(users: int) -> None:
    stages = [started(Steady(), seconds, users).tick() for seconds in (0, 1, 60, 86_400)]
    assert stages == [(users, users / 2)] * 4


def test_run_time_ends_the_load() -> None:
    assert started(Steady(), 9, run_time=10).tick() is not None
    assert started(Steady(), 10, run_time=10).tick() is None


@pytest.mark.parametrize("given", [{}, {"LOAD_SHAPE": ""}, {"LOAD_SHAPE": "steady"}])
def test_steady_is_the_default(given: dict[str, str]) -> None:
    assert shapes.chosen(given) is Steady


def test_unknown_shape_lists_the_known() -> None:
    with pytest.raises(ShapeError, match=r"^LOAD_SHAPE is 'waves': it takes steady\.$"):
        shapes.chosen({"LOAD_SHAPE": "waves"})


def test_every_shape_is_one_of_locusts() -> None:
    assert [shape for shape in shapes.SHAPES.values() if shape.abstract] == []


def test_our_options_are_defaults_only() -> None:
    parser: ArgumentParser = get_parser()
    shapes.set_defaults(parser)
    unasked = parser.parse_args([])
    assert (unasked.num_users, unasked.stop_timeout) == (24, 1)
    asked = parser.parse_args(["--users", "7", "--stop-timeout", "30"])
    assert (asked.num_users, asked.stop_timeout) == (7, 30)


def test_sigterm_ends_it_in_order(peer: Peer) -> None:
    with locust(peer.url, "--users", "3", "--only-summary") as process:
        poll_until(lambda: len({arrival.port for arrival in peer.arrivals}) == 3, "three clients")
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Aggregated" in output


def test_run_time_is_kept_to(peer: Peer) -> None:
    with locust(peer.url, "--users", "1", "--run-time", "1s", "--only-summary") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert peer.arrivals


def test_unknown_shape_is_one_sentence() -> None:
    with locust("http://127.0.0.1:9", shape="waves") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert output == "locust: LOAD_SHAPE is 'waves': it takes steady.\n"
