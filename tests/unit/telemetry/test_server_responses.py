"""What only a real server shows: the port of the operations, own metrics, what the client got."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest
import requests

from tests.unit.telemetry.instance import SERVERS, TIMEOUT_S, TOKEN, Instance, poll_until

SHOP = "tests.unit.telemetry.shop:create_app()"
# How long a client takes to send a body: longer than an application for its request.
SLOW_S = 1.0
OPERATIONS = ("/healthz", "/readyz", "/metrics", "/faults")
SPELLINGS = ("//metrics", "/%6detrics", "/x/metrics", "/faults/x%0ay")


@pytest.fixture(scope="module", params=itertools.product(SERVERS, (1, 2)), ids=str)
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    server, workers = request.param
    folder = tmp_path_factory.mktemp("shop")
    with Instance(workers, folder, SHOP, server, THREADS="2") as instance:
        yield instance


def status(instance: Instance, path: str, **headers: str) -> int:
    return requests.get(f"{instance.url}{path}", headers=headers, timeout=TIMEOUT_S).status_code


def counted(instance: Instance, name: str) -> float:
    poll_until(lambda: instance.samples()["http_requests_in_flight"] == 0, "no request in flight")
    return instance.samples().get(name, 0.0)


def test_metrics_of_the_application_are_exposed(shop: Instance) -> None:
    before = counted(shop, "shop_orders_total")
    for _ in range(10):
        assert status(shop, "/order") == 200
    for _ in range(4):  # whichever worker answers
        assert counted(shop, "shop_orders_total") == before + 10
        assert counted(shop, "shop_views_total") == before + 10
        assert shop.samples()["shop_stock"] == 7
    text = requests.get(f"{shop.operations}/metrics", timeout=TIMEOUT_S).text
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))


def test_operations_answer_while_every_thread_is_busy(shop: Instance) -> None:
    busy = 2 * len(shop.workers())
    clients: list[threading.Thread] = []

    def all_are_busy() -> bool:
        # One worker may get many in a row.
        clients.append(threading.Thread(target=status, args=(shop, "/slow?seconds=2")))
        clients[-1].start()
        return shop.samples()["http_requests_in_flight"] >= busy

    poll_until(all_are_busy, "busy threads")
    for path in ("/healthz", "/readyz", "/metrics"):
        assert requests.get(f"{shop.operations}{path}", timeout=1.5).status_code == 200
    for client in clients:
        client.join(TIMEOUT_S)


@pytest.mark.parametrize("path", [*OPERATIONS, *SPELLINGS])
def test_port_of_the_application_has_no_operations(shop: Instance, path: str) -> None:
    assert status(shop, path) == 404
    for name in ("SCRIPT_NAME", "Script-Name", "X-Forwarded-Prefix", "X-Script-Name"):
        assert status(shop, path, **{name: "/x"}) == 404


def test_script_name_of_a_client_is_a_header(shop: Instance) -> None:
    answer = requests.get(f"{shop.url}/order", headers={"SCRIPT_NAME": "/x"}, timeout=TIMEOUT_S)
    assert (answer.status_code, answer.text) == (200, "")


def test_failing_teardown_is_counted_as_the_client_sees_it(shop: Instance) -> None:
    before = counted(shop, "flask_http_request_exceptions_total")
    assert [status(shop, "/teardown") for _ in range(3)] == [500] * 3
    assert counted(shop, "flask_http_request_exceptions_total") == before + 3
    lines = [line for line in shop.lines("access") if line["path"] == "/teardown"]
    assert [line["status"] for line in lines] == [500] * 3


def test_broken_stream_is_counted_as_the_client_sees_it(shop: Instance) -> None:
    before = counted(shop, "flask_http_request_exceptions_total")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        status(shop, "/broken")
    assert counted(shop, "flask_http_request_exceptions_total") == before + 1
    (line, *_) = [line for line in shop.lines("access") if line["path"] == "/broken"]
    assert (line["status"], line["error"]) == (200, "builtins.ValueError: no more")


def test_part_that_is_text_is_counted_as_the_client_sees_it(shop: Instance) -> None:
    before = counted(shop, "flask_http_request_exceptions_total")
    assert status(shop, "/text?parts=0") == 500
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        status(shop, "/text?parts=1")
    assert counted(shop, "flask_http_request_exceptions_total") == before + 2
    lines = [line for line in shop.lines("access") if line["path"] == "/text"]
    assert [line["status"] for line in lines] == [500, 200]


@pytest.mark.parametrize("path", ["/broken", "/short"])
def test_part_of_an_incomplete_response_arrives(shop: Instance, path: str) -> None:
    for _ in range(30):  # granian alone lost it in every fifth response
        with requests.get(f"{shop.url}{path}", stream=True, timeout=TIMEOUT_S) as answer:
            assert answer.raw.read(1) == b"a"


def test_client_that_goes_away_is_counted(shop: Instance) -> None:
    before = counted(shop, "flask_http_request_total")
    with requests.get(f"{shop.url}/events?type=text/plain", stream=True, timeout=9) as answer:
        assert next(answer.iter_content(4))
    assert counted(shop, "flask_http_request_total") == before + 1
    (line,) = [line for line in shop.lines("access") if line["path"] == "/events"]
    assert (line["status"], line["error"]) == (200, "client disconnected")


@pytest.mark.parametrize("size", [0, 1, 8192, 100_000])
def test_body_arrives_whole(shop: Instance, size: int) -> None:
    for body in (b"a" * size, iter([b"a" * size])):  # the second is chunked
        answer = requests.post(f"{shop.url}/upload", data=body, timeout=TIMEOUT_S)
        assert (answer.status_code, answer.json()) == (200, {"bytes": size})


def test_lines_of_a_body_arrive(shop: Instance) -> None:
    lines = ["a\n", "\n", "b\n", "c"]
    text = "".join(lines).encode()
    for body in (text, iter([text])):
        answer = requests.post(f"{shop.url}/lines", data=body, timeout=TIMEOUT_S)
        assert answer.json() == lines


def test_body_that_ends_early_is_no_whole_body(shop: Instance) -> None:
    with socket.create_connection(("127.0.0.1", shop.port), TIMEOUT_S) as connection:
        connection.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_WR)
        answer = HTTPResponse(connection)
        answer.begin()
        # gunicorn passes on what came, as it does without telemetry.
        assert answer.status == (400 if shop.server == "granian" else 200)


@pytest.mark.parametrize("rest", [b"9\r\nhalf", b"zz\r\n", b"0\r\nHost: b\r\n\r\n"])
def test_invalid_chunked_body_is_no_error_of_the_application(shop: Instance, rest: bytes) -> None:
    with socket.create_connection(("127.0.0.1", shop.port), TIMEOUT_S) as connection:
        head = b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"4\r\nhalf\r\n" + rest)
        if not rest.endswith(b"\r\n"):
            connection.shutdown(socket.SHUT_WR)
        answer = HTTPResponse(connection)
        answer.begin()
        # granian takes a body that breaks off for an empty one: the load balancer refuses it. It
        # ignores trailers (RFC 9110, section 6.5.1).
        assert answer.status == (200 if shop.server == "granian" else 400)


def test_environment_of_the_process_is_no_part_of_a_request(shop: Instance) -> None:
    answer = requests.get(f"{shop.url}/environ", timeout=TIMEOUT_S)
    assert answer.json()["PATH_INFO"] == "/environ"
    assert "SERVICE" not in answer.json()
    assert TOKEN not in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_answer_of_known_length_is_not_chunked(shop: Instance, method: str) -> None:
    answer = requests.request(method, f"{shop.url}/order", timeout=TIMEOUT_S)
    assert answer.headers["Content-Length"] == "0"
    assert "Transfer-Encoding" not in answer.headers


def test_every_line_is_json(shop: Instance) -> None:
    assert shop.lines("access")  # it parses all lines


@pytest.mark.parametrize("path", ["/upload", "/lines"])
def test_wait_for_a_body_is_not_the_time_of_the_service(shop: Instance, path: str) -> None:
    def durations() -> list[float]:
        return [line["duration_ms"] for line in shop.lines("access") if line["path"] == path]

    before = len(durations())
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", shop.port), TIMEOUT_S) as client:
        client.sendall(head.encode() + b"a" * 1000)
        threading.Event().wait(SLOW_S)
        client.sendall(b"a" * 1000)
        answer = HTTPResponse(client)
        answer.begin()
        assert answer.status == 200
        answer.read()
    # The line may follow the answer.
    assert poll_until(lambda: durations()[before:], "the line")[0] < SLOW_S * 1000
