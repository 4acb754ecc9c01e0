"""The real server: several workers count as one instance, and a stop loses no request."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from alertdrill_telemetry.drain import LB_DETECTION_S
from tests.unit.telemetry.instance import TIMEOUT_S, Instance, poll_until

COUNTERS = ("flask_http_request_total", "flask_http_request_duration_seconds_count")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(3, tmp_path_factory.mktemp("three")) as instance:
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
    starting = len(three.lines("gunicorn.error"))  # no worker counts the arbiter's lines
    assert everything - starting <= samples["log_records_total"] <= everything


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


def test_drain_loses_no_request(tmp_path: Path) -> None:
    with Instance(2, tmp_path) as instance:
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
