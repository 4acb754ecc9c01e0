import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from alertdrill.audit import counts as module
from alertdrill.audit.client import AuditError, Route, audit_route
from alertdrill.audit.counts import AccessLine, AccessLines, CountCollector, access_line
from alertdrill.audit.report import CountSource
from alertdrill.clients.loki import Loki, LokiLine
from alertdrill.clients.prometheus import Prometheus
from alertdrill.config.service import AuditRequest, Service
from alertdrill.config.services import SERVICES
from tests.http_server import FakeServer
from tests.unit.alertdrill.audit.conftest import (
    DATA_SERVICE,
    INTERNAL,
    PUBLIC,
    ROUTE,
    WEB,
    access,
    lb,
    line,
)
from tests.unit.alertdrill.drills.fakes import FakeClock
from tests.unit.alertdrill.fake_runtime import FakeRuntime

SENT = ["run-000000", "run-000001"]
METRICS = """\
# TYPE haproxy_frontend_http_requests_total counter
haproxy_frontend_http_requests_total{{proxy="public"}} {public}
haproxy_frontend_http_requests_total{{proxy="internal"}} {internal}e+00
haproxy_frontend_http_requests_total{{proxy="statistics"}} 7
haproxy_backend_http_requests_total{{proxy="web"}} 99
haproxy_backend_retry_warnings_total{{proxy="web"}} 1
haproxy_backend_retry_warnings_total{{proxy="web-large"}} 0
haproxy_backend_retry_warnings_total{{proxy="data-service"}} {retries}
haproxy_backend_retry_warnings_total{{proxy="data-service-large"}} 2
"""


class FakeClient:
    ids = SENT
    answered = SENT
    failures = ()


class CountedStack(FakeRuntime):
    """A stack in which every source counted every request and one probe."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, server: FakeServer) -> None:
        super().__init__()
        self.urls = {"lb-stats": server.url}
        self.lines = {"lb-1": [lb("a", path="/")], "web-1": [], "data-service-1": []}
        self.lb = {"public": 31, "internal": 10, "retries": 5}
        self.served = {"web": 0, "data-service": 0}
        self.scraped = True
        self.stored: list[dict[str, Any]] = []
        self.queries: list[tuple[str, tuple[int, int]]] = []
        self.server = server
        self.clock = FakeClock()
        monkeypatch.setattr(module, "time", self.clock)
        monkeypatch.setattr(Prometheus, "exact_increase", self._increase)
        monkeypatch.setattr(
            Prometheus, "not_scraped_since", lambda *_: [] if self.scraped else ["web-1"]
        )
        monkeypatch.setattr(Loki, "every", self._query)
        self.collector = CountCollector(self, ROUTE, "run", "Loki")
        self.publish()

    def _increase(self, counter: str, *_: object) -> int:
        assert 'url_rule="/process"' in counter
        return next(count for name, count in self.served.items() if f'"{name}"' in counter)

    def _query(self, logql: str, span: tuple[int, int]) -> Iterator[LokiLine]:
        self.queries.append((logql, span))
        return (LokiLine(1, fields, "POST /process") for fields in self.stored)

    def publish(self) -> None:
        self.server.answers["/metrics"] = METRICS.format(**self.lb).encode()

    def record_requests(self) -> None:
        """Count two requests and a probe in every source."""
        for id_ in SENT:
            self.lines["lb-1"] += [lb(id_), lb(id_, "internal")]
            self.lines["web-1"].append(line("web", id_))
            self.lines["data-service-1"].append(line("data-service", id_))
        texts = [text for lines in self.lines.values() for text in lines if "run-" in text]
        self.stored = list(map(json.loads, texts))
        self.lines["lb-1"].append(lb("b", path="/"))
        self.lb |= {"public": 34, "internal": 12}
        self.served = {"web": 2, "data-service": 2}

    def wrong_sources(self) -> list[CountSource]:
        client: Any = FakeClient()
        self.publish()
        self.collector.lines.read()
        sources = self.collector.sources(client)
        assert len(sources) == 1 + 4 + len(ROUTE.hops) * 2
        return [source for source in sources if not source.exact]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, server: FakeServer) -> CountedStack:
    stack = CountedStack(monkeypatch, server)
    stack.collector.record_baseline()
    stack.record_requests()
    return stack


def test_no_difference_when_every_source_counts_each_request(stack: CountedStack) -> None:
    assert stack.wrong_sources() == []


@pytest.mark.parametrize(
    ("lose", "name", "missing", "difference"),
    [
        (lambda stack: stack.lines["web-1"].pop(), "files: web", SENT[1:], -1),
        (lambda stack: stack.stored.pop(), "Loki: data-service", SENT[1:], -1),
        (lambda stack: stack.served.update(web=1), "Prometheus: web", (), -1),
        # The line of the probe, whose request the counter has.
        (lambda stack: stack.lines["lb-1"].pop(), "counter of lb, public frontend", (), 1),
    ],
)
def test_what_one_source_lacks_is_its_difference(
    stack: CountedStack,
    lose: Callable[[CountedStack], object],
    name: str,
    missing: Sequence[str],
    difference: int,
) -> None:
    lose(stack)
    [source] = stack.wrong_sources()
    assert (source.name, source.missing, source.difference) == (name, missing, difference)


def test_retry_explains_one_more_request(stack: CountedStack) -> None:
    stack.lines["lb-1"][-2] = lb(SENT[1], "internal", "+1")
    stack.lines["data-service-1"].append(line("data-service", SENT[1]))
    stack.stored.append(access("data-service", SENT[1]))
    stack.lb["retries"] += 1
    stack.served["data-service"] += 1
    assert stack.wrong_sources() == []
    assert stack.collector.retries() == {"web": 0, "data-service": 1}


def test_loki_query_covers_all_lines_of_the_audit(stack: CountedStack) -> None:
    began, stack.clock.now = stack.clock.now, stack.clock.now + 100
    stack.wrong_sources()
    [(logql, (begin, end))] = stack.queries
    expected = '{service=~"lb|web|data-service"} | logger="access" | request_id=~"run-.*"'
    assert logql == expected
    assert begin <= (began - 1) * 10**9
    assert end >= (stack.clock.now + 1) * 10**9


def test_missing_scrape_is_an_error(stack: CountedStack) -> None:
    stack.scraped = False
    with pytest.raises(AuditError, match="did not scrape web-1 within 30 s"):
        stack.collector.record_baseline()


@pytest.mark.parametrize(
    ("metrics", "error"),
    [
        (b"", "has no counter haproxy_frontend_http_requests_total for public"),
        (b'haproxy_backend_retry_warnings_total{proxy="web"} 1', "_requests_total for public"),
        (503, r"cannot read the load balancer's counts \(.* answers 503"),
    ],
)
def test_missing_counter_is_an_error(stack: CountedStack, metrics: object, error: str) -> None:
    stack.server.answers["/metrics"] = metrics
    with pytest.raises(AuditError, match=error):
        stack.collector.retries()


def read(**files: list[str]) -> tuple[AccessLines, FakeRuntime]:
    runtime = FakeRuntime()
    runtime.lines = {name.replace("_", "-"): lines for name, lines in files.items()}
    access_lines = AccessLines(runtime, ROUTE, "run")
    access_lines.read()
    return access_lines, runtime


def test_audit_requests_are_counted_apart_from_others() -> None:
    web = [line("web"), line("web")]
    access_lines, _ = read(lb_1=[lb("run-1"), lb("probe", path="/")], web_1=web, web_2=web[:1])
    assert access_lines.tally().ids == {PUBLIC: {"run-1": 1}, WEB: {"run-1": 3}}
    assert access_lines.tally().others == {PUBLIC: 1}


def test_rotated_line_still_counts() -> None:
    access_lines, runtime = read(web_1=[line("web", "run-1"), line("web", "run-2")])
    runtime.lines["web-1"] = [line("web", "run-2"), line("web", "run-3")]
    access_lines.read()
    assert access_lines.tally().ids[WEB] == {"run-1": 1, "run-2": 1, "run-3": 1}


def test_recent_lines_are_added_to_earlier_ones() -> None:
    access_lines, runtime = read(lb_1=[lb("run-1"), lb("run-2")])
    runtime.lines["lb-1"].append(lb("run-3"))
    access_lines.read(count=2)
    assert access_lines.tally().ids[PUBLIC] == {"run-1": 1, "run-2": 1, "run-3": 1}


def test_retries_are_counted_per_service() -> None:
    access_lines, _ = read(lb_1=[lb("run-1", retries="1"), lb("run-2", "internal", "2")])
    assert access_lines.tally().retries == {WEB: {"run-1": 1}, DATA_SERVICE: {"run-2": 2}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (access("lb", frontend="public", retries="0"), AccessLine(PUBLIC, "run-1")),
        (access("lb", frontend="internal", retries="+2"), AccessLine(INTERNAL, "run-1", 2)),
        (access("lb", frontend="public", path="/"), AccessLine(PUBLIC, "run-1")),
        (access("lb", frontend="statistics"), None),
        (access("web"), AccessLine(WEB, "run-1")),
        (access("data-service"), AccessLine(DATA_SERVICE, "run-1")),
        (access("web", path="/"), None),
        (access("web", logger="root"), None),
        (access("responder"), None),
    ],
)
def test_only_access_lines_on_the_route_count(
    fields: dict[str, Any], expected: AccessLine | None
) -> None:
    assert access_line(fields, ROUTE) == expected


def test_line_that_is_not_an_object_is_ignored() -> None:
    texts = ["Traceback (most recent call last):", '{"logger":"acc', "[1]", "[" * 100_000]
    assert read(web_1=texts)[0].tally().ids == {}


AUDIT = AuditRequest(path="/a", body={"x": 1})


def service(name: str, **declared: Any) -> Service:
    return SERVICES["data-service"].model_copy(update={"name": name, **declared})


def test_route_is_that_of_the_services() -> None:
    web = service("web", calls=["data-service"], audit=AUDIT)
    route = audit_route([service("orders"), web])
    assert route == Route("/a", {"x": 1}, ("web", "data-service"))
    assert route.hops == ("lb, public frontend", "lb, internal frontend", "web", "data-service")


def test_request_that_calls_no_service_passes_one_frontend() -> None:
    route = audit_route([service("web", audit=AUDIT)])
    assert route.hops == ("lb, public frontend", "web")
    assert access_line(access("lb", frontend="internal"), route) is None


@pytest.mark.parametrize("declared", [{}, {"audit": AUDIT, "calls": ["a", "b"]}])
def test_services_without_a_route_are_an_error(declared: dict[str, Any]) -> None:
    with pytest.raises(AuditError, match=r"no service of apps/services\.yml has `audit`"):
        audit_route([service("web", **declared)])
