"""The real servers: several workers count as one instance, and a stop loses no request."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
import requests

from alertdrill_telemetry.drain import LB_DETECTION_S
from tests.unit.telemetry.instance import (
    ROOT,
    SERVER_LOGGERS,
    SERVERS,
    TIMEOUT_S,
    Instance,
    free_port,
    poll_until,
)

SHOP = "tests.unit.telemetry.shop:create_app()"
COUNTERS = ("flask_http_request_total", "flask_http_request_duration_seconds_count")


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    """Return the name of each server in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def three(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(3, tmp_path_factory.mktemp("three"), server=server) as instance:
        yield instance


def ask_many(instance: Instance, times: int) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: instance.post(), range(times)))
    assert {answer.status_code for answer in answers} == {200}
    await_idle(instance)


def await_idle(instance: Instance) -> None:
    """Wait for the end of all requests: a client has its answer a moment before it is counted."""
    poll_until(lambda: instance.samples()["http_requests_in_flight"] == 0, "no request in flight")


def counted(instance: Instance) -> set[float]:
    samples = instance.samples()
    return {samples.get(name, 0.0) for name in COUNTERS}


def holder(instance: Instance) -> psutil.Process:
    """Return the worker that has the one client's connection open."""
    (worker,) = [
        worker
        for worker in instance.workers()
        if any(c.status == psutil.CONN_ESTABLISHED for c in worker.net_connections("tcp"))
    ]
    return worker


class SlowRequest(threading.Thread):
    """A request that takes its time; `answers` gets its status, or the exception's name."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(daemon=True)
        self._instance = instance
        self.answers: list[int | str] = []

    def run(self) -> None:
        try:
            self.answers.append(self._instance.post().status_code)
        except requests.RequestException as error:
            self.answers.append(type(error).__name__)


def test_every_worker_exposes_the_sum(three: Instance) -> None:
    (before,) = counted(three)
    ask_many(three, 300)
    assert all(counted(three) == {before + 300} for _ in range(10))
    for worker in three.workers():
        with three.only(worker):
            assert counted(three) == {before + 300}


def test_workers_count_log_lines_exactly(three: Instance) -> None:
    ask_many(three, 20)
    samples = three.samples()
    assert len(three.lines("access")) == samples["flask_http_request_total"]
    everything = len(three.log.read_text().splitlines())
    # No worker counts the lines of the arbiter.
    starting = len(three.lines(SERVER_LOGGERS[three.server]))
    assert everything - starting <= samples["log_records_total"] <= everything


def test_workers_count_lost_lines_exactly(three: Instance) -> None:
    before, written = three.samples(), len(three.lines("access"))
    three.fault("log_disk_full")
    ask_many(three, 60)
    three.end_fault("log_disk_full")
    ask_many(three, 1)
    after = three.samples()
    assert len(three.lines("access")) == written + 1
    (report,) = three.lines("alertdrill_telemetry")
    assert report["lost_lines"] == after["log_lines_lost_total"] - before["log_lines_lost_total"]
    # Each request has two lines; one about the fault itself is lost, or two.
    assert 0 < report["lost_lines"] - 2 * 60 <= 2


def test_memory_of_workers_is_summed(three: Instance) -> None:
    largest = max(worker.memory_info().rss for worker in three.workers())
    samples = three.samples()
    assert samples["process_resident_memory_bytes"] > 2 * largest
    assert samples["process_open_fds"] > 0


def test_no_series_carries_a_pid(three: Instance) -> None:
    text = requests.get(f"{three.operations}/metrics", timeout=TIMEOUT_S).text
    assert "pid=" not in text
    assert "_created" not in text


def test_fault_is_on_in_every_worker(three: Instance) -> None:
    three.fault("errors", status=503)
    try:
        for worker in three.workers():
            with three.only(worker):
                assert three.post().status_code == 503
    finally:
        three.end_fault("errors")
    assert three.post().status_code == 200


def test_every_worker_shows_the_clock(three: Instance) -> None:
    three.fault("clock_skew", seconds=-600)
    try:
        for worker in three.workers():
            with three.only(worker):
                assert three.samples()["app_clock_seconds"] == pytest.approx(
                    time.time() - 600, abs=60
                )
    finally:
        three.end_fault("clock_skew")
    assert three.samples()["app_clock_seconds"] == pytest.approx(time.time(), abs=60)


def test_every_worker_shows_more_series(three: Instance) -> None:
    three.fault("cardinality", series=50)
    try:
        for worker in three.workers():
            with three.only(worker):
                assert three.samples()["fault_series"] == 50
    finally:
        three.end_fault("cardinality")
    assert "fault_series" not in three.samples()


def test_killed_worker_leaves_exact_counts(three: Instance) -> None:
    (before,) = counted(three)
    ask_many(three, 30)
    three.fault("hang", duration=60)
    client = SlowRequest(three)
    client.start()
    poll_until(lambda: three.samples()["http_requests_in_flight"] == 1, "the hanging request")
    holder(three).kill()
    client.join(TIMEOUT_S)
    assert client.answers == ["ConnectionError"]
    three.end_fault("hang")
    poll_until(lambda: len(three.workers()) == 3, "the worker's successor")
    poll_until(lambda: three.samples()["http_requests_in_flight"] == 0, "no request in flight")
    assert counted(three) == {before + 30}


class KeptConnection(threading.Thread):
    """A client that sends requests without a pause until `unready` is set."""

    def __init__(self, instance: Instance, unready: threading.Event) -> None:
        super().__init__(daemon=True)
        self._instance = instance
        self._unready = unready
        self.answers: list[int] = []
        self.after_told = 0
        self.error: Exception | None = None

    def run(self) -> None:
        with requests.Session() as session:
            try:
                while self.after_told < 5:  # it is still served when readiness is gone
                    self.after_told += self._unready.is_set()
                    answer = session.post(f"{self._instance.url}/process", json=[{}], timeout=9)
                    self.answers.append(answer.status_code)
            except requests.RequestException as error:
                self.error = error


def test_drain_loses_no_request(server: str, tmp_path: Path) -> None:
    # The limit is far away: on a busy machine the clients take long.
    with Instance(2, tmp_path, server=server, DRAIN_SECONDS="60") as instance:
        slow = slow_request(instance)
        unready = threading.Event()
        clients = [KeptConnection(instance, unready) for _ in range(3)]
        for client in clients:
            client.start()
        poll_until(lambda: all(client.answers for client in clients), "the first answers")
        instance.process.terminate()
        assert poll_until(lambda: refused(instance), "readiness to drop") == 503
        assert slow.is_alive()
        unready.set()
        for thread in (*clients, slow):
            thread.join(TIMEOUT_S)
        assert [client.error for client in clients] == [None] * 3
        assert {status for client in clients for status in client.answers} == {200}
        assert slow.answers == [200]
        expected = 1 + sum(len(client.answers) for client in clients)
        assert last_count(instance) == expected
        assert instance.process.wait(TIMEOUT_S) == 0
        assert len(instance.lines("access")) == expected


def test_drain_ends_although_connections_stay_open(server: str, tmp_path: Path) -> None:
    limits = {"DRAIN_SECONDS": "2", "GRACEFUL_TIMEOUT": "2"}
    with Instance(1, tmp_path, SHOP, server, **limits) as instance, ExitStack() as stack:
        idle, kept, stream = (
            stack.enter_context(socket.create_connection(("127.0.0.1", instance.port)))
            for _ in range(3)
        )
        kept.sendall(b"GET /order HTTP/1.1\r\nHost: here\r\n\r\n")
        assert kept.recv(1024).startswith(b"HTTP/1.1 200")
        stream.sendall(b"GET /events HTTP/1.1\r\nHost: here\r\n\r\n")
        assert stream.recv(1024).startswith(b"HTTP/1.1 200")
        instance.process.terminate()
        assert instance.process.wait(TIMEOUT_S) == 0
        assert instance.lines("access")  # all lines are JSON
        del idle


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_second_signal_ends_the_drain(server: str, number: signal.Signals, tmp_path: Path) -> None:
    with Instance(1, tmp_path, server=server, DRAIN_SECONDS="300") as instance:
        instance.process.terminate()
        poll_until(lambda: refused(instance), "readiness to drop")
        instance.process.send_signal(number)
        assert instance.process.wait(TIMEOUT_S) == 0


def test_workers_end_with_a_killed_arbiter(server: str, tmp_path: Path) -> None:
    with Instance(2, tmp_path, server=server) as instance:
        workers = instance.workers()
        instance.process.kill()
        instance.process.wait(TIMEOUT_S)
        assert not psutil.wait_procs(workers, TIMEOUT_S)[1]


def test_worker_that_does_not_run_is_replaced(server: str, tmp_path: Path) -> None:
    with Instance(1, tmp_path, server=server, WORKER_TIMEOUT="3") as instance:
        (worker,) = instance.workers()
        worker.send_signal(signal.SIGSTOP)
        poll_until(lambda: not worker.is_running(), "the end of the worker")
        poll_until(lambda: len(instance.workers()) == 1, "its successor")
        assert instance.post().status_code == 200


def test_application_that_cannot_be_loaded_ends_the_instance(server: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, *SERVERS[server]],
        cwd=ROOT,
        env={
            "PYTHONPATH": os.pathsep.join(sys.path),
            "APP": "builtins:int('no such application')",
            "SERVICE": "data-service",
            "PORT": str(free_port()),
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert ended.returncode == 3
    assert server != "granian" or ended.stderr == ""  # gunicorn repeats the error as text
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert any(
        "no such application" in line.get("exception", {}).get("stack", "") for line in lines
    )


def slow_request(instance: Instance) -> SlowRequest:
    """Start a request that lasts longer than the detection time of the load balancer."""
    instance.fault("latency", seconds=LB_DETECTION_S + 1)
    request = SlowRequest(instance)
    request.start()
    poll_until(lambda: instance.samples()["http_requests_in_flight"] == 1, "the slow request")
    instance.end_fault("latency")
    return request


def refused(instance: Instance) -> int | None:
    status = requests.get(f"{instance.operations}/readyz", timeout=TIMEOUT_S).status_code
    return status if status != 200 else None


def last_count(instance: Instance) -> float:
    """Scrape until nothing listens; return the counts of the last response."""
    seen = [0.0]

    def gone() -> bool:
        try:
            seen.append(instance.samples()["flask_http_request_total"])
        except requests.ConnectionError:
            return True
        return False

    poll_until(gone, "the end of the instance")
    return seen[-1]
