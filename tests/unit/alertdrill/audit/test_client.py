import threading
from itertools import pairwise

import pytest
import requests

from alertdrill.audit import client as module
from alertdrill.audit.client import AuditError, Client, Failure
from tests.http_server import Answer, Peer
from tests.unit.alertdrill.audit.conftest import ROUTE
from tests.unit.alertdrill.drills.fakes import FakeClock


def send(peer: Peer, total: int = 40, rate: float = 1e6) -> tuple[Client, list[Failure]]:
    reported: list[Failure] = []
    client = Client(f"{peer.url}/", ROUTE, total, rate, reported.append)
    client.start()
    client.finish()
    return client, reported


def test_every_request_has_its_own_id(peer: Peer) -> None:
    client, reported = send(peer)
    assert sorted(request.headers["X-Request-ID"] for request in peer.requests) == client.ids
    assert {(request.method, request.path) for request in peer.requests} == {("POST", "/process")}
    assert sorted(client.answered) == client.ids
    assert (client.sent, client.failures, reported) == (40, [], [])
    assert all(id_.startswith(f"{client.prefix}-") for id_ in client.ids)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(503, b'{"detail": "No instance is free."}'), "503 No instance is free."),
        (Answer(500, b"oops"), "500"),
        (Answer(204, b""), "204"),
        (Answer(0), "no answer (ConnectionError)"),
    ],
)
def test_failed_request_is_reported_once_and_not_sent_again(
    peer: Peer, answer: Answer, error: str
) -> None:
    peer.answer = lambda: answer
    client, reported = send(peer, 1)
    assert client.failures == reported == [Failure(client.ids[0], error)]
    assert (client.answered, len(peer.requests)) == ([], 1)


class Pacing:
    """A client with one connection in virtual time, and the times of its requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        self.began = self.clock.now
        self.times: list[float] = []
        self.durations: list[float] = []
        wait = threading.Condition.wait

        def wait_in_virtual_time(
            condition: threading.Condition, seconds: float | None = None
        ) -> bool:
            self.clock.now += seconds or 0
            return wait(condition, seconds and 0.001)

        def post(*_: object, **__: object) -> requests.Response:
            self.times.append(self.clock.now - self.began)
            self.clock.now += self.durations.pop(0) if self.durations else 0
            response = requests.Response()
            response.status_code = 200
            return response

        monkeypatch.setattr(module, "time", self.clock)
        monkeypatch.setattr(module, "CONNECTIONS", 1)
        monkeypatch.setattr(threading.Condition, "wait", wait_in_virtual_time)
        monkeypatch.setattr(requests.Session, "post", post)

    def client(self, total: int, rate: float) -> Client:
        return Client("http://unused", ROUTE, total, rate, lambda _: None)

    def run(self, total: int, rate: float) -> list[float]:
        client = self.client(total, rate)
        client.start()
        client.finish()
        return self.times


@pytest.fixture
def pacing(monkeypatch: pytest.MonkeyPatch) -> Pacing:
    return Pacing(monkeypatch)


def test_requests_are_sent_at_the_rate(pacing: Pacing) -> None:
    assert pacing.run(5, 4.0) == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.25])


def test_short_delay_is_caught_up(pacing: Pacing) -> None:
    pacing.durations = [0.9]
    assert pacing.run(6, 4.0) == pytest.approx([0.25, 1.15, 1.15, 1.15, 1.25, 1.5])


def test_long_delay_is_not_followed_by_a_burst(pacing: Pacing) -> None:
    pacing.durations = [50.0]
    assert pacing.run(4, 1.0) == pytest.approx([1.0, 51.0, 52.0, 53.0])


def test_requests_slow_down_towards_the_end_of_a_step(pacing: Pacing) -> None:
    client = pacing.client(100, 10.0)
    with client.slow_down(until=4):
        client.start()
        client.wait_until_sent(4)
    client.finish()
    gaps = [after - before for before, after in pairwise([0.0, *pacing.times])]
    assert gaps[:4] == pytest.approx([10 / 4, 10 / 3, 10 / 2, 10 / 1])
    assert gaps[-1] == pytest.approx(0.1)


def test_rate_is_kept_while_many_requests_of_a_step_are_left(pacing: Pacing) -> None:
    client = pacing.client(5, 10.0)
    with client.slow_down(until=5000):
        client.start()
        client.finish()
    assert pacing.times == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


def test_sending_continues_when_a_step_ends(peer: Peer) -> None:
    client = Client(peer.url, ROUTE, 10, 1e6, lambda _: None)
    with client.slow_down(until=0):
        client.start()
        assert client.sent == 0
    client.finish()
    assert client.sent == 10


def test_stop_ends_every_wait(peer: Peer) -> None:
    client = Client(peer.url, ROUTE, 100, 0.001, lambda _: None)
    client.start()
    threading.Timer(0.05, client.stop).start()
    with pytest.raises(AuditError, match="stopped after 0 of 100 requests"):
        client.wait_until_sent(50)
    client.finish()


def test_error_in_the_client_ends_every_wait(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    peer.answer = lambda: Answer(503)
    client = Client(peer.url, ROUTE, 100, 100.0, lambda failure: 1 // 0)  # type: ignore[arg-type]
    client.start()
    with pytest.raises(AuditError, match="of 100 requests: see the error above"):
        client.wait_until_sent(100)
    client.finish()  # other threads fail too, while the hook is still replaced
    assert errors


def test_wait_for_a_count_already_reached_returns_at_once(peer: Peer) -> None:
    client, _ = send(peer, 5)
    client.wait_until_sent(3)
