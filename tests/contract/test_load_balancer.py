"""Retries, limits, access lines and counters of a real load balancer."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.telemetry.instance import Instance as ServiceInstance
from tests.unit.telemetry.instance import free_port, poll_until

from .load_balancer import Instance, LoadBalancer, send

MAX_URI = 4000
MAX_HEADER = 8190
MAX_FIELDS = 90
# HAProxy reads no head that is longer than this.
MAX_HEAD = 23 * 1024
APPLICATION = "def app(_, start):\n    start('200 OK', [('Content-Length', '0')])\n    return []\n"


@pytest.fixture(scope="module")
def instances() -> Iterator[list[Instance]]:
    running = [Instance() for _ in range(3)]
    yield running
    for instance in running:
        instance.close()


@pytest.fixture(scope="module")
def lb(
    tmp_path_factory: pytest.TempPathFactory, instances: list[Instance]
) -> Iterator[LoadBalancer]:
    """The load balancer, with three instances of web and none of data-service."""
    web = {f"web-{number}": instance.address for number, instance in enumerate(instances, 1)}
    closed = {"data-service-1": f"127.0.0.1:{free_port()}"}
    running = LoadBalancer(tmp_path_factory.mktemp("lb"), {"web": web, "data-service": closed})
    yield running
    running.close()


@pytest.fixture
def arrivals(instances: list[Instance]) -> Callable[[str], list[int]]:
    """Return how often requests for a path arrived at each instance since the test began."""
    seen = [len(instance.requests) for instance in instances]

    def count(path: str) -> list[int]:
        since = zip(instances, seen, strict=True)
        return sorted(
            sum(request.path == path for request in instance.requests[start:])
            for instance, start in since
        )

    return count


SAFE_OR_NOT = [("GET", [0, 1, 1]), ("POST", [0, 0, 1]), ("PUT", [0, 0, 1]), ("DELETE", [0, 0, 1])]


@pytest.mark.parametrize(("method", "expected"), SAFE_OR_NOT)
def test_request_without_an_answer_is_repeated_once_if_its_method_is_safe(
    lb: LoadBalancer, arrivals: Callable[[str], list[int]], method: str, expected: list[int]
) -> None:
    response = lb.request(method, "/die")
    assert arrivals("/die") == expected
    assert response.status == 502
    line = lb.access_line(request_id=response.headers["X-Request-ID"])
    assert line["retries"].lstrip("+") == str(sum(expected) - 1)


@pytest.mark.parametrize(("method", "expected"), SAFE_OR_NOT)
def test_same_holds_for_a_later_request_of_a_connection(
    lb: LoadBalancer, arrivals: Callable[[str], list[int]], method: str, expected: list[int]
) -> None:
    with closing(lb.connect()) as connection:
        assert send(connection, "GET", "/").status == 200
        # HAProxy may close the connection instead, so that the client decides on a repetition.
        assert send(connection, method, "/die").status in (0, 502)
    assert arrivals("/die") == expected


def test_request_of_a_refused_connection_goes_to_another_instance(
    tmp_path: Path, instances: list[Instance]
) -> None:
    web = {"web-1": f"127.0.0.1:{free_port()}", "web-2": instances[0].address}
    with closing(LoadBalancer(tmp_path, {"web": web, "data-service": {}})) as lb:
        assert [lb.request("POST", "/").status for _ in range(4)] == [200] * 4


TOO_LARGE = {
    "uri": (414, "/" + "a" * MAX_URI, {}),
    "query": (414, "/?" + "a" * MAX_URI, {}),
    "uri of 20 KB": (414, "/" + "a" * 20_000, {}),
    "field": (431, "/large", {"X": "a" * MAX_HEADER}),
    "fields": (431, "/large", {f"X{number}": "a" * 800 for number in range(11)}),
    "fields of 20 KB": (431, "/large", {f"X{number}": "a" * 1000 for number in range(20)}),
    "number of fields": (431, "/large", {f"X{number}": "" for number in range(MAX_FIELDS)}),
    "200 fields": (431, "/large", {f"X{number}": "" for number in range(200)}),
}


@pytest.mark.parametrize("frontend", ["public", "internal"])
@pytest.mark.parametrize("case", TOO_LARGE)
def test_too_large_request_is_a_problem_with_a_line_and_a_count(
    lb: LoadBalancer, arrivals: Callable[[str], list[int]], case: str, frontend: str
) -> None:
    status, path, headers = TOO_LARGE[case]
    request_id = f"{case}-{frontend}".replace(" ", "-")
    before = lb.counters()
    response = lb.request(
        "GET", path, frontend=frontend, headers={**headers, "X-Request-ID": request_id}
    )
    problem = json.loads(response.body)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status, problem["status"], problem["request_id"]) == (
        status,
        status,
        request_id,
    )
    line = lb.access_line(request_id=request_id)
    assert (line["status"], line["level"], line["frontend"]) == (status, "INFO", frontend)
    assert path.startswith(line["path"])
    assert arrivals(path) == [0, 0, 0]
    service = {"public": "web", "internal": "data-service"}[frontend]
    growth = lb.idle_counters() - before
    assert growth[f"frontend_http_responses_total {frontend} 4xx"] == 1
    assert growth[f"backend_http_responses_total {service} 4xx"] == 1


def test_head_beyond_the_buffer_has_a_line_and_a_count(lb: LoadBalancer) -> None:
    before = lb.counters()
    response = lb.request("GET", "/", headers={"X": "a" * MAX_HEAD})
    assert response.status == 400
    assert lb.access_line(status=400)["frontend"] == "public"
    growth = lb.counters() - before
    assert growth["frontend_http_requests_total public"] == 1
    assert growth["frontend_http_responses_total public 4xx"] == 1


@pytest.mark.parametrize("path", ["/" * MAX_URI, "/" + "%22" * 1333, "/" + '"' * (MAX_URI - 1)])
def test_longest_path_has_a_whole_access_line(lb: LoadBalancer, path: str) -> None:
    response = lb.request("GET", path)
    line = lb.access_line(request_id=response.headers["X-Request-ID"])
    assert (line["path"], line["message"]) == (path, f"GET {path}")


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadBalancer]:
    """The load balancer, with an instance of web that has gunicorn's own limits."""
    folder, address = tmp_path_factory.mktemp("gunicorn"), f"127.0.0.1:{free_port()}"
    (folder / "application.py").write_text(APPLICATION)
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "application:app"]
    with subprocess.Popen([*command, "--bind", address], cwd=folder) as process:
        lb = LoadBalancer(folder, {"web": {"web-1": address}, "data-service": {}})
        poll_until(lambda: lb.request("GET", "/").status == 200, "gunicorn")
        yield lb
        lb.close()
        process.terminate()


def test_instance_accepts_the_largest_request(gunicorn: LoadBalancer) -> None:
    """The load balancer adds header fields of its own; the instance must not refuse their sum."""
    # Host, Accept-Encoding, X-Request-ID and traceparent make the sum.
    fields = {f"X{number}": "" for number in range(MAX_FIELDS - 4)}
    path = "/" + "a" * (MAX_URI - 1)
    assert gunicorn.request("CHECKOUT", path, headers=fields).status == 200
    assert gunicorn.request("GET", path, headers={**fields, "X": ""}).status == 431
    # The other fields, with their names and line ends, take less than 300 bytes.
    assert gunicorn.request("GET", path, headers={"X": "a" * (MAX_HEADER - 300)}).status == 200


@pytest.fixture(scope="module")
def granian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadBalancer]:
    """The load balancer, with an instance of web that has granian's own limits."""
    folder = tmp_path_factory.mktemp("granian")
    with ServiceInstance(1, folder, server="granian", OPS_PORT="0") as instance:
        address = instance.url.removeprefix("http://")
        with closing(LoadBalancer(folder, {"web": {"web-1": address}, "data-service": {}})) as lb:
            poll_until(lambda: lb.request("GET", "/").status == 404, "granian")
            yield lb


REFUSED = [
    "get / HTTP/1.1\r\n",
    "AB / HTTP/1.1\r\n",
    f"{'A' * 21} / HTTP/1.1\r\n",
    "GET * HTTP/1.1\r\n",
    "GET /< HTTP/1.1\r\n",
    "GET /?> HTTP/1.1\r\n",
    "GET /` HTTP/1.1\r\n",
    'GET /?" HTTP/1.1\r\n',
    "GET /?\xa0\x80 HTTP/1.1\r\n",
    "GET ftp:// HTTP/1.1\r\n",
    "GET HTTP:///a HTTP/1.1\r\n",
    "GET ?a HTTP/1.1\r\n",
    "CONNECT a:b@c:1:80 HTTP/1.1\r\n",
    "GET / HTTP/0.9\r\n",
    "GET / HTTP/1.1\r\nX: \x01\r\n",
    "GET / HTTP/1.1\r\nX: \0\r\n",
    "GET / HTTP/1.1\r\nExpect: more\r\n",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: \r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked,\r\n",
]


@pytest.mark.parametrize("server", ["gunicorn", "granian"])
@pytest.mark.parametrize("text", REFUSED)
def test_instance_gets_no_request_that_it_refuses_without_a_line(
    request: pytest.FixtureRequest, server: str, text: str
) -> None:
    lb: LoadBalancer = request.getfixturevalue(server)
    # The target of a request without Host may begin with anything.
    host = "" if text.startswith(("GET ?", "GET ftp", "GET HTTP", "CONNECT")) else "Host: a\r\n"
    body = "0\r\n\r\n" if "chunked" in text else ""
    response = lb.exchange(f"{text}{host}\r\n{body}")
    assert response.status == 400
    if not response.body.startswith(b"<"):  # HAProxy 3 refuses some of them itself
        assert json.loads(response.body)["request_id"] == response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "text",
    [
        "M-SEARCH / HTTP/1.1\r\n",
        "OPTIONS * HTTP/1.1\r\n",
        "GET http://a/ HTTP/1.1\r\n",
        'GET /^|{}" HTTP/1.1\r\n',
        "GET /?` HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nX: \t\xff\r\n",
        "GET / HTTP/1.1\r\nSCRIPT_NAME: /x\r\n",
        "GET / HTTP/1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n",
    ],
)
def test_instance_accepts_what_is_rare_and_valid(gunicorn: LoadBalancer, text: str) -> None:
    assert gunicorn.exchange(f"{text}Host: a\r\n\r\n").status == 200


def test_client_can_not_speak_for_a_proxy(lb: LoadBalancer, instances: list[Instance]) -> None:
    names = ("Proto", "Host", "Port", "Prefix", "Ssl", "Protocol", "For")
    fields = {f"X-Forwarded-{name}": "forged" for name in names}
    fields |= {"Forwarded": "for=forged", "X-Real-IP": "forged", "X-Original-URL": "/forged"}
    fields |= {"X-Rewrite-URL": "/forged", "X_Forwarded_For": "forged"}
    response = lb.request("GET", "/", headers=fields)
    [arrived] = [
        request.headers
        for instance in instances
        for request in instance.requests
        if request.headers.get("X-Request-ID") == response.headers["X-Request-ID"]
    ]
    assert "forged" not in str(arrived)
    assert arrived["X-Forwarded-For"] == "127.0.0.1"


VALID_ID, VALID_TRACE = "id-1", f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.mark.parametrize(
    "fields",
    [
        {"X-Request-ID": [VALID_ID, "id-2"]},
        {"X-Request-ID": [f"a b, {VALID_ID}"]},
        {"X-Request-ID": [VALID_ID, "a b"]},
        {"traceparent": [VALID_TRACE, VALID_TRACE.replace("a", "c")]},
    ],
    ids=str,
)
def test_id_that_is_not_the_only_one_is_replaced_everywhere(
    lb: LoadBalancer, instances: list[Instance], fields: dict[str, list[str]]
) -> None:
    """Two programs may choose different ones of several."""
    text = "".join(f"{name}: {value}\r\n" for name in fields for value in fields[name])
    response = lb.exchange(f"GET /twice HTTP/1.1\r\nHost: a\r\n{text}\r\n")
    line = lb.access_line(request_id=response.headers["X-Request-ID"])
    [arrived] = [
        item
        for instance in instances
        for item in instance.requests
        if item.headers.get("X-Request-ID") == line["request_id"]
    ]
    assert arrived.headers["traceparent"].split("-")[1] == line["trace_id"]
    replaced = {"X-Request-ID": line["request_id"], "traceparent": arrived.headers["traceparent"]}
    assert all(replaced[name] not in values for name, values in fields.items())


def failed(growth: Counter[str], service: str) -> int:
    """Return the failed requests to a service, as `prometheus/rules/sli.yml` counts them."""
    unanswered = (
        growth[f"backend_sessions_total {service}"]
        - growth[f"backend_http_requests_total {service}"]
        - growth[f"backend_current_sessions {service}"]
    )
    return growth[f"backend_http_responses_total {service} 5xx"] + max(
        unanswered, growth[f"backend_server_aborts_total {service}"]
    )


def growth_of(lb: LoadBalancer, before: Counter[str]) -> Counter[str]:
    """Return by how much each counter has grown, once no request is in flight."""
    growth = Counter(lb.idle_counters())
    growth.subtract(before)
    return growth


@pytest.mark.parametrize("kept_alive", [False, True])
@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", 0),
        ("GET", "/lost", 0),
        ("GET", "/" + "a" * MAX_URI, 0),
        ("GET", "/fail", 1),
        ("GET", "/die", 1),
        ("POST", "/die", 1),
        ("GET", "/break", 1),
        ("POST", "/break", 1),
    ],
)
def test_counters_have_each_failed_request_once(
    lb: LoadBalancer, method: str, path: str, expected: int, kept_alive: bool
) -> None:
    before = lb.idle_counters()
    with closing(lb.connect()) as connection:
        if kept_alive:
            assert send(connection, "GET", "/").status == 200
        response = send(connection, method, path)
    is_good = response.complete and 0 < response.status < 500
    assert is_good == (not expected)
    growth = growth_of(lb, before)
    assert growth["backend_sessions_total web"] == 1 + kept_alive
    # HAProxy 3 takes one in ten broken responses for those of a client that left.
    taken = path == "/break" and growth["backend_client_aborts_total web"]
    assert failed(growth, "web") == expected - taken


def test_counters_have_a_request_that_no_instance_got(lb: LoadBalancer) -> None:
    before = lb.idle_counters()
    assert lb.request("POST", "/", frontend="internal").status == 503
    growth = growth_of(lb, before)
    assert (growth["backend_sessions_total data-service"], failed(growth, "data-service")) == (1, 1)


def test_client_that_leaves_is_no_failure(lb: LoadBalancer) -> None:
    before = lb.idle_counters()
    connection = lb.connect()
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", "10")
    connection.endheaders(b"half")
    connection.close()
    poll_until(
        lambda: lb.counters()["backend_sessions_total web"] > before["backend_sessions_total web"],
        "the request",
    )
    growth = growth_of(lb, before)
    assert failed(growth, "web") == 0


def test_client_can_not_speak_http_2(lb: LoadBalancer) -> None:
    settings = "\0\0\0\4\0\0\0\0\0"
    assert lb.exchange(f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{settings}").status == 400
