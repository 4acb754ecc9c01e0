"""Clients that send or read slowly, at a real load balancer."""

from __future__ import annotations

import json
import resource
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.http_server import Answer, Request
from tests.unit.telemetry.instance import poll_until

from .load_balancer import TIMEOUT_S, Instance, LoadBalancer, send

# The body that an instance gets only whole, and one that fills the buffer of the load balancer.
MAX_SMALL, LARGE = 8192, 60_000
SLOTS = 2
# The connections that the load balancer accepts from clients.
MAX_CLIENTS = 896


@pytest.fixture(scope="module")
def instances() -> Iterator[list[Instance]]:
    running = [Instance(), Instance()]
    yield running
    for instance in running:
        instance.close()


@pytest.fixture(scope="module")
def lb(
    tmp_path_factory: pytest.TempPathFactory, instances: list[Instance]
) -> Iterator[LoadBalancer]:
    """The load balancer with two instances of web; a large body has a second to arrive."""
    web = {f"web-{number}": instance.address for number, instance in enumerate(instances, 1)}
    running = LoadBalancer(
        tmp_path_factory.mktemp("lb"),
        {"web": web, "data-service": {}},
        {"lua.deadline 10": "lua.deadline 1"},
    )
    yield running
    running.close()


class Upload:
    """A request of which a part of the body is sent."""

    def __init__(
        self, lb: LoadBalancer, path: str, length: int, sent: int, frontend: str = "public"
    ) -> None:
        self._socket = socket.create_connection(("127.0.0.1", lb.ports[frontend]), TIMEOUT_S)
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
        self._socket.sendall(head.encode() + b"a" * sent)

    def send(self, size: int) -> None:
        self._socket.sendall(b"a" * size)

    def response(self) -> tuple[int, bytes]:
        answer = HTTPResponse(self._socket)
        answer.begin()
        return answer.status, answer.read()

    def close(self) -> None:
        self._socket.close()


def bodies(instances: list[Instance], path: str) -> list[int]:
    """Return the lengths of the bodies that the instances got."""
    return [
        len(request.body)
        for instance in instances
        for request in instance.requests
        if request.path == path
    ]


def test_small_body_reaches_an_instance_once_it_is_complete(
    lb: LoadBalancer, instances: list[Instance]
) -> None:
    with ExitStack() as stack:
        uploads = [
            stack.enter_context(closing(Upload(lb, "/small", MAX_SMALL, MAX_SMALL - 1)))
            for _ in range(50)
        ]
        assert lb.request("GET", "/").status == 200
        assert lb.idle_counters()["frontend_current_sessions public"] >= len(uploads)
        for upload in uploads:
            upload.send(1)
        assert {upload.response()[0] for upload in uploads} == {200}
    assert bodies(instances, "/small") == [MAX_SMALL] * len(uploads)


@pytest.mark.parametrize(("length", "sent"), [(MAX_SMALL, 100), (LARGE, 100), (LARGE, 20_000)])
def test_body_that_does_not_arrive_is_a_408(
    lb: LoadBalancer, instances: list[Instance], length: int, sent: int
) -> None:
    path = f"/late-{length}-{sent}"
    with closing(Upload(lb, path, length, sent)) as upload:
        status, body = upload.response()
    line = lb.access_line(path=path)
    assert (status, line["status"], line["method"]) == (408, 408, "POST")
    assert json.loads(body)["request_id"] == line["request_id"]
    assert bodies(instances, path) == []


def test_large_bodies_hold_two_threads_of_an_instance(lb: LoadBalancer) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(closing(Upload(lb, "/held", LARGE, LARGE - 1)))
        poll_until(
            lambda: lb.counters()["backend_current_queue web-large"] == 20 - 2 * SLOTS,
            "a queue of large bodies",
        )
        for _ in range(20):
            assert lb.request("GET", "/").status == 200


def test_large_body_has_a_deadline(lb: LoadBalancer, instances: list[Instance]) -> None:
    with closing(Upload(lb, "/dripping", LARGE, LARGE // 2)) as upload:

        def is_refused() -> bool:
            upload.send(1)
            return lb.counters()["backend_http_responses_total web-large 4xx"] > before

        before = lb.counters()["backend_http_responses_total web-large 4xx"]
        poll_until(is_refused, "the deadline")
        assert upload.response()[0] == 400
    assert lb.access_line(path="/dripping")["backend"] == "web-large"


def test_large_body_arrives_whole(lb: LoadBalancer, instances: list[Instance]) -> None:
    with closing(Upload(lb, "/large", LARGE, LARGE // 2)) as upload:
        upload.send(LARGE - LARGE // 2)
        assert upload.response()[0] == 200
    assert bodies(instances, "/large") == [LARGE]


def test_clients_that_do_not_read_hold_no_instance(lb: LoadBalancer) -> None:
    with ExitStack() as stack:
        for _ in range(64):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect(("127.0.0.1", lb.ports["public"]))
            # Without a limit they hold an instance after 40 responses, when the kernel has no room.
            client.sendall(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
        for _ in range(20):
            assert lb.request("GET", "/").status == 200
        lb.idle_counters()


def test_connection_ends_with_an_announcement_after_long_responses(lb: LoadBalancer) -> None:
    with closing(lb.connect()) as connection:
        responses = [send(connection, "GET", "/long") for _ in range(10)]
    assert all(response.complete for response in responses)
    closed = [response.headers["Connection"] for response in responses]
    assert closed == [None, None, None, None, None, "close"] + [None] * 4


def test_instance_that_fails_its_checks_gets_no_large_body(
    tmp_path: Path, instances: list[Instance]
) -> None:
    with closing(Instance()) as unready:
        unready.answers = {"/readyz": Answer(500)}
        web = {"web-1": unready.address, "web-2": instances[0].address}
        with closing(LoadBalancer(tmp_path, {"web": web, "data-service": {}})) as lb:
            poll_until(
                lambda: lb.counters()["backend_active_servers web-large"] == 1, "one instance"
            )
            for _ in range(4):
                with closing(Upload(lb, "/ready", LARGE, LARGE)) as upload:
                    assert upload.response()[0] == 200
        assert bodies([unready], "/ready") == []


def test_chunked_body_for_granian_must_fit_in_the_buffer(
    tmp_path: Path, instances: list[Instance]
) -> None:
    addresses = {"web": {"web-1": instances[0].address}, "data-service": {}}
    with closing(LoadBalancer(tmp_path, addresses)) as lb:
        for size, status in ((4000, 200), (9000, 411)):
            head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            body = f"{size:x}\r\n{'a' * size}\r\n0\r\n\r\n"
            assert lb.exchange(head + body).status == status


# The timeouts are the load balancer's own, but shorter.
SHORT = {"lua.deadline 10": "lua.deadline 10\n    timeout queue 300ms\n    timeout server 1s"}


class Silent(Instance):
    """An instance that does not answer."""

    def answer_to(self, request: Request) -> Answer:
        if request.path == "/silent":
            threading.Event().wait(TIMEOUT_S)
        return super().answer_to(request)

    answers: Mapping[str, Answer] = {"/busy": Answer(503)}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadBalancer]:
    """The load balancer with short timeouts, an instance of web, and none of data-service."""
    folder, instance = tmp_path_factory.mktemp("lb"), Silent()
    addresses = {"web": {"web-1": instance.address}, "data-service": {}}
    lb = LoadBalancer(folder, addresses, SHORT)
    yield lb
    lb.close()
    instance.close()


def large_failures(lb: LoadBalancer) -> int:
    """Return the failed requests with large bodies, as `prometheus/rules/sli.yml` counts them."""
    counters = lb.idle_counters()
    unanswered = (
        counters["backend_sessions_total web-large"]
        - counters["backend_http_requests_total web-large"]
    )
    return counters["backend_http_responses_total web-large 5xx"] + max(
        unanswered, counters["backend_server_aborts_total web-large"]
    )


@pytest.mark.parametrize("count", [SLOTS, SLOTS + 64], ids=["the slots", "the slots and the queue"])
def test_large_body_is_a_429_while_others_fill(impatient: LoadBalancer, count: int) -> None:
    lb, before = impatient, large_failures(impatient)
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(closing(Upload(lb, "/held", LARGE, LARGE - 1)))
        poll_until(
            lambda: lb.counters()["backend_current_sessions web-large"] >= count, "the uploads"
        )
        with closing(Upload(lb, f"/refused-{count}", LARGE, LARGE)) as upload:
            status, body = upload.response()
    assert status == 429
    line = lb.access_line(path=f"/refused-{count}")
    assert (line["status"], line["level"]) == (429, "INFO")
    assert json.loads(body)["request_id"] == line["request_id"]
    assert large_failures(lb) == before


def test_client_that_stops_in_a_large_body_gets_400(impatient: LoadBalancer) -> None:
    before = large_failures(impatient)
    with closing(Upload(impatient, "/stops", LARGE, LARGE // 2)) as upload:
        assert upload.response()[0] == 400
    assert impatient.access_line(path="/stops")["status"] == 400
    assert large_failures(impatient) == before


@pytest.mark.parametrize(("path", "status"), [("/silent", 504), ("/busy", 503)])
def test_instance_that_fails_a_large_body_is_a_failure(
    impatient: LoadBalancer, path: str, status: int
) -> None:
    before = large_failures(impatient)
    with closing(Upload(impatient, path, LARGE, LARGE)) as upload:
        assert upload.response()[0] == status
    assert large_failures(impatient) == before + 1


def test_large_body_without_an_instance_is_503(impatient: LoadBalancer) -> None:
    with closing(Upload(impatient, "/process", LARGE, LARGE, frontend="internal")) as upload:
        assert upload.response()[0] == 503


def test_clients_that_use_up_their_connections_stop_no_service(lb: LoadBalancer) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with ExitStack() as stack:
            address = ("127.0.0.1", lb.ports["public"])
            for _ in range(MAX_CLIENTS + 1):
                stack.enter_context(closing(socket.create_connection(address, TIMEOUT_S)))
            poll_until(
                lambda: lb.counters()["frontend_current_sessions public"] == MAX_CLIENTS,
                "the connections",
            )
            assert lb.counters()["frontend_limit_sessions public"] == MAX_CLIENTS
            assert lb.request("GET", "/", frontend="internal").status == 503  # no data-service
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
