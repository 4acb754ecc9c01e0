from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import gevent
import pytest
from locust.env import Environment

from loadtests import users
from loadtests.users import (
    BAD_REQUESTS,
    ROWS,
    BadRequest,
    ErrorClient,
    NormalClient,
    RequestClient,
    SlowClient,
)
from tests.http_server import Answer, Peer

HAPROXY = Path(__file__).resolve().parents[3] / "lb/haproxy.cfg"


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def environment() -> Environment:
    return Environment(user_classes=[NormalClient])


@pytest.fixture
def client(
    environment: Environment, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[NormalClient]:
    monkeypatch.setattr(NormalClient, "host", peer.url)
    new_client = NormalClient(environment)
    yield new_client
    new_client.client.client.close()


def test_client_posts_twenty_rows(client: NormalClient, peer: Peer) -> None:
    client.process()
    (arrival,) = peer.requests
    assert (arrival.method, arrival.path) == ("POST", "/process")
    assert arrival.headers["Content-Type"] == "application/json"
    assert json.loads(arrival.body) == ROWS
    assert len(ROWS) == 20


def test_slow_client_waits_for_the_supplier(
    environment: Environment, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SlowClient, "host", peer.url)
    new_client = SlowClient(environment)
    new_client.ask_supplier()
    new_client.client.client.close()
    assert [(arrival.method, arrival.path) for arrival in peer.requests] == [("GET", "/supplier")]


def test_host_may_end_with_a_slash(environment: Environment) -> None:
    environment.host = "http://127.0.0.1:8080/"
    users.normalize_host(environment)
    assert environment.host == "http://127.0.0.1:8080"


def test_client_opens_the_start_page(client: NormalClient, peer: Peer) -> None:
    client.open_page()
    assert [(arrival.method, arrival.path) for arrival in peer.requests] == [("GET", "/")]


def test_client_keeps_its_connection(client: NormalClient, peer: Peer) -> None:
    for ask in (client.process, client.open_page, client.process):
        ask()
    assert len({arrival.port for arrival in peer.requests}) == 1


def test_client_continues_after_a_failure(
    client: NormalClient, environment: Environment, peer: Peer
) -> None:
    failed: list[bool] = []
    environment.events.request.add_listener(
        lambda exception, **_: failed.append(exception is not None)
    )
    for status in (503, 0, 200):  # 0 closes the connection
        peer.answer = partial(Answer, status)
        client.process()
    assert failed == [True, True, False]


def test_page_is_one_request_in_twenty(client: NormalClient, peer: Peer, time: Time) -> None:
    client.on_start()
    for _ in range(40):
        client.send_next()
    assert [arrival.path for arrival in peer.requests].count("/") == 2


@pytest.mark.parametrize("bad_request", BAD_REQUESTS)
def test_bad_request_must_be_refused(
    environment: Environment, peer: Peer, monkeypatch: pytest.MonkeyPatch, bad_request: BadRequest
) -> None:
    monkeypatch.setattr(ErrorClient, "host", peer.url)
    monkeypatch.setattr(users, "BAD_REQUESTS", [bad_request])
    failed: list[bool] = []
    environment.events.request.add_listener(
        lambda exception, **_: failed.append(exception is not None)
    )
    error_client = ErrorClient(environment)
    error_client.on_start()
    for status in (bad_request.status, 200, 500):
        peer.answer = partial(Answer, status)
        error_client.send_invalid()
    error_client.client.client.close()
    assert failed == [False, True, True]


REQUESTS = (
    {"path": "/orders/3?a=1", "headers": {"Host": "orders.localhost"}},
    {"path": "/orders", "method": "POST", "json": {"pieces": 3}},
)


@pytest.fixture
def request_client(
    environment: Environment, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RequestClient]:
    monkeypatch.setattr(RequestClient, "host", peer.url)
    monkeypatch.setattr(RequestClient, "requests", REQUESTS)
    monkeypatch.setattr(users, "_request_clients", count())
    monkeypatch.setattr(gevent, "sleep", lambda _: None)
    new_client = RequestClient(environment)
    yield new_client
    new_client.client.client.close()


def test_requests_of_a_profile_are_sent_in_turn(
    request_client: RequestClient, environment: Environment, peer: Peer
) -> None:
    names: list[tuple[str, str]] = []
    environment.events.request.add_listener(
        lambda request_type, name, **_: names.append((request_type, name))
    )
    request_client.on_start()
    for _ in range(3):
        request_client.send_next()
    arrivals = [(arrival.method, arrival.path) for arrival in peer.requests]
    assert arrivals == [("GET", "/orders/3"), ("POST", "/orders"), ("GET", "/orders/3")]
    get, post, _ = peer.requests
    assert (get.query, get.headers.get_all("Host")) == ({"a": "1"}, ["orders.localhost"])
    assert (json.loads(post.body), post.headers["Content-Type"]) == (
        {"pieces": 3},
        "application/json",
    )
    assert names == arrivals  # without the query


def test_second_client_begins_with_the_second_request(
    request_client: RequestClient, peer: Peer
) -> None:
    for _ in range(2):
        request_client.on_start()
    request_client.send_next()
    assert [arrival.path for arrival in peer.requests] == ["/orders"]


@pytest.mark.parametrize(
    ("status", "is_failure"), [(200, False), (204, False), (302, False), (404, True), (500, True)]
)
def test_status_below_400_is_a_success(
    request_client: RequestClient,
    environment: Environment,
    peer: Peer,
    status: int,
    is_failure: bool,
) -> None:
    failed: list[bool] = []
    environment.events.request.add_listener(
        lambda exception, **_: failed.append(exception is not None)
    )
    peer.answer = partial(Answer, status, b"", {"Location": "/elsewhere"})
    request_client.on_start()
    request_client.send_next()
    assert (failed, len(peer.requests)) == ([is_failure], 1)  # a redirect is not followed


def test_only_a_profile_with_requests_has_such_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RequestClient, "requests", ())
    monkeypatch.setattr(RequestClient, "weight", 1)
    assert users.set_requests(()).weight == 0
    assert users.set_requests(REQUESTS).weight == 1


class Time:
    """A clock that moves when a client sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(users, "monotonic", lambda: self.now)
        monkeypatch.setattr(gevent, "sleep", self.sleep)
        monkeypatch.setattr(users, "_numbers", count())

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


def test_client_sends_one_request_per_second(client: NormalClient, time: Time) -> None:
    client.on_start()
    sent_at = []
    for duration in (0.25, 0.5, 2.0, 0.25, 0.0):
        sent_at.append(time.now)
        time.sleep(duration)
        time.sleep(client.wait_time())
    # An answer after 2 s makes the next request late, and nothing is made up for it.
    assert sent_at == pytest.approx([1000, 1001, 1002, 1004, 1005])


def test_clients_are_spread_over_a_second(client: NormalClient, time: Time) -> None:
    sent_at: list[float] = []
    for _ in range(24):  # all made in one moment, and looked at in their second round
        time.now = 1000.0
        client.on_start()
        time.sleep(0.01)
        time.sleep(client.wait_time())
        sent_at.append(time.now - 1001)
    times = sorted(sent_at)
    gaps = [b - a for a, b in zip(times, [*times[1:], times[0] + 1], strict=True)]
    # Evenly it would be a 24th of a second each.
    assert (min(gaps) > 1 / 50, max(gaps) < 1 / 12) == (True, True)


def test_client_waits_for_the_load_balancers_answer() -> None:
    limits = dict(re.findall(r"^ +timeout (queue|server) (\d+)s$", HAPROXY.read_text(), re.M)[:2])
    assert NormalClient.network_timeout > int(limits["queue"]) + int(limits["server"])
