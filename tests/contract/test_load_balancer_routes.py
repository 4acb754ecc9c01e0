"""Which service gets a request from a real load balancer, and with which path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from tests.unit.telemetry.instance import poll_until

from .load_balancer import TIMEOUT_S, Site

LARGE = "a" * 10_000
ONE_SECOND = SERVICES["web"].limits.model_copy(update={"response": 1.0})
# The keys of each service that say what it gets.
ROUTES: Mapping[str, Mapping[str, Any]] = {
    "shop": {"public": ["/"], "internal": ["/"]},
    "orders": {"public": ["/orders"], "internal": ["/orders/stock"]},
    "blog": {"host": "blog.example.com", "public": ["/"]},
    "feed": {"host": "blog.example.com", "public": ["/feed"]},
    "docs": {"host": "docs.example.com", "public": ["/v1.0"], "strip_prefix": True},
    "wiki": {"public": ["/wiki"], "strip_prefix": True},
    "reports": {"public": ["/reports"], "limits": ONE_SECOND},
    "single": {"public": ["/single"], "threads": 1},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with closing(Site(tmp_path_factory.mktemp("site"), ROUTES)) as running:
        yield running


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The load balancer of services without the path `/`, but at one host."""
    routes = {name: ROUTES[name] for name in ("orders", "blog", "wiki")}
    with closing(Site(tmp_path_factory.mktemp("sparse"), routes)) as running:
        yield running


@pytest.mark.parametrize(
    ("host", "path", "service"),
    [
        ("a", "/", "shop"),
        ("a", "/x", "shop"),
        ("a", "/orders", "orders"),
        ("a", "/orders/1?x=/wiki", "orders"),
        ("a", "/ordersheet", "shop"),
        ("a", "//orders", "shop"),
        ("a", "/x/orders", "shop"),
        ("blog.example.com", "/", "blog"),
        ("blog.example.com", "/x/y", "blog"),
        ("BLOG.Example.COM", "/", "blog"),
        ("blog.example.com:8080", "/", "blog"),
        ("blog.example.com", "/feed", "feed"),
        ("blog.example.com", "/feeds", "blog"),
        # A service at / of its host gets everything there.
        ("blog.example.com", "/orders", "blog"),
        ("www.blog.example.com", "/", "shop"),
        ("blog.example.com.evil.example", "/", "shop"),
        ("docs.example.com", "/v1.0/x", "docs"),
        ("blog.example.com.", "/", "blog"),
        ("blog.example.com.:8080", "/", "blog"),
        # A host without this path has the paths of all.
        ("docs.example.com", "/orders", "orders"),
        ("docs.example.com", "/v1.00", "shop"),
        ("a", "/v1.0", "shop"),
        ("a", "/feed", "shop"),
    ],
)
def test_request_goes_to_the_service_of_its_host_and_path(
    site: Site, host: str, path: str, service: str
) -> None:
    response = site.lb.request("GET", path, headers={"Host": host})
    name, request = site.arrived(response)
    assert (response.status, name) == (200, service)
    assert request.headers["Host"] == host


@pytest.mark.parametrize(
    ("path", "service"), [("/x", "shop"), ("/orders", "shop"), ("/orders/stock/1", "orders")]
)
def test_call_of_a_service_goes_by_its_path_alone(site: Site, path: str, service: str) -> None:
    headers = {"Host": "blog.example.com", "X-Request-ID": f"call{path.replace('/', '-')}"}
    response = site.lb.request("GET", path, frontend="internal", headers=headers)
    requests = site.backends[service].requests
    assert response.status == 200
    assert headers["X-Request-ID"] in [item.headers["X-Request-ID"] for item in requests]


@pytest.mark.parametrize(
    "host",
    [
        "/shop",
        "/shop:80",
        "blog.example.com/feed",
        "shop,/feed",
        "a b",
        "a:b",
        "a:123456",
        "[::1",
        "é",
    ],
)
def test_host_that_is_none_is_refused(site: Site, host: str) -> None:
    # It would lead to a service by a path that is not public.
    response = site.lb.exchange(f"GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n")
    assert response.status == 400


def test_request_without_a_host_goes_by_its_path(site: Site) -> None:
    response = site.lb.exchange("GET /orders HTTP/1.0\r\n\r\n")
    assert site.arrived(response)[0] == "orders"


@pytest.mark.parametrize(("host", "service"), [("a", "shop"), ("blog.example.com", "blog")])
def test_request_without_a_path_goes_to_the_whole_site(site: Site, host: str, service: str) -> None:
    response = site.lb.exchange(f"OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n")
    name, request = site.arrived(response)
    assert (response.status, name, request.target) == (200, service, "*")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/wiki", "/"),
        ("/wiki/", "/"),
        ("/wiki/x/y?a=1&b=/wiki", "/x/y?a=1&b=/wiki"),
        ("/wiki?a=1", "/?a=1"),
        ("/wiki/wiki/x", "/wiki/x"),
        ("/wiki/x/wiki/y", "/x/wiki/y"),
        ("/wiki//x", "//x"),
        ("/wiki/%2Fx%20y/%C3%BC", "/%2Fx%20y/%C3%BC"),
        ("/wiki/../x", "/../x"),
    ],
)
def test_prefix_is_stripped_once(site: Site, path: str, target: str) -> None:
    response = site.lb.request("GET", path)
    name, request = site.arrived(response)
    assert (response.status, name, request.target) == (200, "wiki", target)
    assert request.headers.get_all("X-Forwarded-Prefix") == ["/wiki"]


@pytest.mark.parametrize("path", ["/wikis", "/%77iki/x", "/wiki%2Fx", "/x/wiki/y"])
def test_similar_path_keeps_its_prefix(site: Site, path: str) -> None:
    name, request = site.arrived(site.lb.request("GET", path))
    assert (name, request.target) == ("shop", path)
    assert "X-Forwarded-Prefix" not in request.headers


def test_prefix_of_a_host_is_stripped(site: Site) -> None:
    response = site.lb.request("GET", "/v1.0/x", headers={"Host": "docs.example.com"})
    _, request = site.arrived(response)
    assert (request.target, request.headers["X-Forwarded-Prefix"]) == ("/x", "/v1.0")


def test_prefix_of_a_request_with_a_large_body_is_stripped(site: Site) -> None:
    text = f"POST /wiki/x HTTP/1.1\r\nHost: a\r\nContent-Length: {len(LARGE)}\r\n\r\n{LARGE}"
    name, request = site.arrived(site.lb.exchange(text))
    assert (name, request.target, len(request.body)) == ("wiki", "/x", len(LARGE))


def test_prefix_of_an_absolute_uri_is_stripped(site: Site) -> None:
    response = site.lb.exchange("GET http://a/wiki/x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n")
    name, request = site.arrived(response)
    assert (name, request.path, request.query) == ("wiki", "/x", {"y": "1"})


def test_repeated_request_is_stripped_once(site: Site) -> None:
    before = site.backends["wiki"].count("/die")
    assert site.lb.request("GET", "/wiki/die").status == 502
    assert site.backends["wiki"].count("/die") - before == 2


@pytest.mark.parametrize(("path", "expected"), [("/x", None), ("/wiki/x", ["/wiki"])])
def test_client_can_not_choose_a_prefix(site: Site, path: str, expected: list[str] | None) -> None:
    headers = {"X-Forwarded-Prefix": "/forged"}
    _, request = site.arrived(site.lb.request("GET", path, headers=headers))
    assert request.headers.get_all("X-Forwarded-Prefix") == expected


def test_access_line_has_the_path_of_the_client(site: Site) -> None:
    response = site.lb.request("GET", "/wiki/x")
    line = site.lb.access_line(request_id=response.headers["X-Request-ID"])
    assert (line["path"], line["backend"], line["server"]) == ("/wiki/x", "wiki", "wiki-1")


@pytest.mark.parametrize(
    ("frontend", "method", "path", "body"),
    [
        ("public", "GET", "/", ""),
        ("public", "GET", "/x", ""),
        ("public", "GET", "/wikis", ""),
        ("public", "POST", "/x", LARGE),
        ("public", "OPTIONS", "*", ""),
        ("internal", "GET", "/orders", ""),
        ("internal", "GET", "/", ""),
    ],
)
def test_path_of_no_service_is_a_problem_with_a_line_and_a_count(
    sparse: Site, frontend: str, method: str, path: str, body: str
) -> None:
    lb, request_id = (
        sparse.lb,
        f"{frontend}-{method}-{path}-{len(body)}".translate({47: "_", 42: "s"}),
    )
    before = lb.counters()
    with closing(lb.connect(frontend)) as connection:
        connection.request(method, path, body, {"X-Request-ID": request_id})
        answer = connection.getresponse()
        problem = json.loads(answer.read())
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert (problem["status"], problem["request_id"]) == (404, request_id)
    line = lb.access_line(request_id=request_id)
    assert (line["status"], line["level"], line["frontend"]) == (404, "INFO", frontend)
    assert (lb.counters() - before)[f"frontend_http_responses_total {frontend} 4xx"] == 1
    for backend in sparse.backends.values():
        assert len(backend.requests) == backend.count("/readyz")


def test_instance_gets_one_request_for_each_thread(site: Site) -> None:
    single = site.backends["single"]

    def arrived() -> int:
        return single.count("/single/hold") - before

    def waiting() -> int:
        return site.lb.counters()["backend_current_queue single"]

    with ThreadPoolExecutor() as pool:
        before = single.count("/single/hold")
        requests = [pool.submit(site.lb.request, "GET", "/single/hold") for _ in range(2)]
        poll_until(waiting, "a request that waits")
        poll_until(arrived, "a request that arrives")
        assert (arrived(), waiting()) == (1, 1)
        single.released.set()
        assert [request.result(TIMEOUT_S).status for request in requests] == [200, 200]
    single.released.clear()


def test_late_response_is_a_timeout(site: Site) -> None:
    response = site.lb.request("GET", "/reports/hold")
    site.backends["reports"].released.set()
    assert response.status == 504
    line = site.lb.access_line(request_id=response.headers["X-Request-ID"])
    assert 1000 <= line["duration_ms"] < 5000  # less than the default, 10 s
