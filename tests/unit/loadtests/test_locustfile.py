"""Locust runs our locustfile against a peer."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

import pytest
import requests

from loadtests.profiles import SHAPES
from tests.http_server import Answer, Peer
from tests.unit.telemetry.instance import poll_until

ROOT = Path(__file__).resolve().parents[3]
# The peer refuses no bad request.
# The loads of clients of web.
MIXED = [name for name, shape in SHAPES.items() if not shape.profile.requests]
NO_GATE = ("--exit-code-on-error", "0")


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


@pytest.fixture(scope="module")
def stats(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[str, str]]]:
    """Return the requests of each shape in a brief run; all shapes run at the same time."""
    folder = tmp_path_factory.mktemp("stats")
    with ExitStack() as cleanup:
        processes = []
        for name in MIXED:
            peer = Peer()
            cleanup.callback(peer.close)
            options = ("--run-time", "8s", "--json-file", str(folder / name), *NO_GATE)
            processes.append(cleanup.enter_context(locust(peer.url, *options, shape=name)))
        for process in processes:
            process.communicate(timeout=120)
            assert process.returncode == 0
    return {name: requests_of(folder / f"{name}.json") for name in MIXED}


def requests_of(stats: Path) -> set[tuple[str, str]]:
    return {(entry["method"], entry["name"]) for entry in json.loads(stats.read_text())}


@pytest.mark.parametrize("name", MIXED)
def test_every_task_is_run_in_every_shape(
    stats: dict[str, set[tuple[str, str]]], name: str
) -> None:
    """This holds even in a brief run."""
    slow = {("GET", "/supplier")} if name == "spike" else set()
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


def test_unknown_shape_prints_one_line() -> None:
    with locust("http://127.0.0.1:9", shape="waves") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert output == f"locust: LOAD_SHAPE is 'waves': use one of {', '.join(SHAPES)}.\n"


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


# A slow one takes longer to end its last requests than Locust's master waits by itself.
@pytest.mark.parametrize("seconds", [0, 0.7], ids=["fast", "slow"])
def test_several_processes_print_one_total(peer: Peer, seconds: float) -> None:
    def late() -> Answer:
        Event().wait(seconds)
        return Answer()

    peer.answer = late
    options = ("--users", "8", "--run-time", "3s", "--processes", "2", "--only-summary", "--json")
    with locust(peer.url, *options, "--loglevel", "ERROR") as process:
        output, _ = process.communicate(timeout=60)
    # The tables for people, which follow, go elsewhere than the JSON.
    entries, end = json.JSONDecoder().raw_decode(output)
    assert '"num_requests"' not in output[end:]
    assert sum(entry["num_requests"] for entry in entries) == len(peer.requests)


def test_requests_of_the_warmup_are_not_counted(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOAD_WARMUP", "3")
    options = ("--users", "10", "--run-time", "5s", "--json-file", str(tmp_path / "stats"))
    with locust(peer.url, *options) as process:
        process.communicate(timeout=30)
    entries = json.loads((tmp_path / "stats.json").read_text())
    requests_counted = sum(entry["num_requests"] for entry in entries)
    assert 0 < requests_counted <= len(peer.requests) - 20  # ten clients, in two seconds and more
