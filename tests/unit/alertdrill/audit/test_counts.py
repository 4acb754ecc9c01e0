from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from alertdrill.audit import counts as module
from alertdrill.audit.compare import CountSource
from alertdrill.audit.counts import CountCollector, LbCounts, parse_lb_counts
from alertdrill.audit.lines import AuditError
from alertdrill.clients.prometheus import Prometheus
from tests.unit.alertdrill.audit.conftest import ROUTE, access, as_text
from tests.unit.alertdrill.drills.fakes import FakeClock

PUBLIC, INTERNAL, WEB, DATA_SERVICE = ROUTE.hops
SENT = ["run-000000", "run-000001"]


class FakeClient:
    sent = SENT
    answered = 2
    failures = ()


class FakeStore:
    """A log store that has every request, except those that a test removed."""

    name = "Loki"

    def __init__(self) -> None:
        self.counts = {hop: Counter(SENT) for hop in ROUTE.hops}

    def count_ids(self, since: float) -> Mapping[str, Counter[str]]:
        return self.counts


class CountedStack:
    """A stack in which every source counted every request and one probe."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: dict[str, list[dict[str, Any]]] = {"lb-1": [self.probe("a")]}
        self.lb = LbCounts({PUBLIC: 1, INTERNAL: 0}, {"web": 0, "data-service": 0})
        self.served = {"web": 0, "data-service": 0}
        self.scraped = True
        self.store = FakeStore()
        monkeypatch.setattr(module, "time", FakeClock())
        monkeypatch.setattr(module, "fetch_lb_counts", lambda *_: self.lb)
        monkeypatch.setattr(module, "count_served", lambda *_: self.served)
        monkeypatch.setattr(Prometheus, "all_scraped_since", lambda *_: self.scraped)
        runtime: Any = self
        store: Any = self.store
        self.collector = CountCollector(runtime, ROUTE, "run", store)

    def probe(self, id_: str) -> dict[str, Any]:
        return access("lb", id_, frontend="public", path="/")

    def address(self, part: str) -> str:
        return f"http://127.0.0.1:1/{part}"

    def logs(self, target: str, lines: int | None) -> Iterator[tuple[str, str]]:
        for name, lines_of_instance in self.files.items():
            if name.startswith(target):
                yield from ((name, as_text(fields)) for fields in lines_of_instance)

    def record_requests(self) -> None:
        """Count two requests and a probe in every source."""
        for id_ in SENT:
            self.files["lb-1"] += [
                access("lb", id_, frontend=frontend) for frontend in ("public", "internal")
            ]
            self.files.setdefault("web-1", []).append(access("web", id_))
            self.files.setdefault("data-service-1", []).append(access("data-service", id_))
        self.files["lb-1"].append(self.probe("b"))
        self.lb = LbCounts({PUBLIC: 4, INTERNAL: 2}, {"web": 0, "data-service": 0})
        self.served = {"web": 2, "data-service": 2}

    def wrong_sources(self) -> list[CountSource]:
        client: Any = FakeClient()
        self.collector.lines.read()
        return [source for source in self.collector.sources(client) if not source.exact]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> CountedStack:
    stack = CountedStack(monkeypatch)
    stack.collector.record_baseline()
    stack.record_requests()
    return stack


def test_no_difference_when_every_source_counts_each_request(stack: CountedStack) -> None:
    client: Any = FakeClient()
    stack.collector.lines.read()
    sources = stack.collector.sources(client)
    assert len(sources) == 1 + 4 + len(ROUTE.hops) * 2
    assert stack.wrong_sources() == []


def test_request_missing_in_the_files_is_listed(stack: CountedStack) -> None:
    stack.files["web-1"].pop()
    assert [(source.name, source.missing) for source in stack.wrong_sources()] == [
        ("files: web", SENT[1:])
    ]


def test_request_missing_in_the_log_store_is_listed(stack: CountedStack) -> None:
    stack.store.counts[DATA_SERVICE] = Counter(SENT[:1])
    [source] = stack.wrong_sources()
    assert (source.name, source.missing) == ("Loki: data-service", SENT[1:])


def test_request_missing_in_prometheus_is_a_difference(stack: CountedStack) -> None:
    stack.served["web"] -= 1
    assert [(source.name, source.difference) for source in stack.wrong_sources()] == [
        ("Prometheus: web", -1)
    ]


def test_probe_without_a_line_is_a_difference(stack: CountedStack) -> None:
    stack.files["lb-1"].pop()
    [source] = stack.wrong_sources()
    assert (source.name, source.difference) == ("counter of lb, public frontend", 1)


def test_retry_explains_one_more_request(stack: CountedStack) -> None:
    lb_lines = stack.files["lb-1"]
    lb_lines[-2]["retries"] = "1"
    stack.files["data-service-1"].append(access("data-service", SENT[1]))
    stack.store.counts[DATA_SERVICE][SENT[1]] += 1
    stack.lb = LbCounts(stack.lb.requests, {"web": 0, "data-service": 1})
    stack.served["data-service"] += 1
    assert stack.wrong_sources() == []
    assert stack.collector.retries() == {"web": 0, "data-service": 1}


def test_missing_scrape_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = CountedStack(monkeypatch)
    stack.scraped = False
    with pytest.raises(AuditError, match="did not scrape all instances within 30 s"):
        stack.collector.record_baseline()


METRICS = """\
# TYPE haproxy_frontend_http_requests_total counter
haproxy_frontend_http_requests_total{proxy="public"} 120
haproxy_frontend_http_requests_total{proxy="internal"} 1.1e+02
haproxy_frontend_http_requests_total{proxy="statistics"} 7
haproxy_backend_http_requests_total{proxy="web"} 99
haproxy_backend_retry_warnings_total{proxy="web"} 1
haproxy_backend_retry_warnings_total{proxy="data-service"} 2
"""


def test_each_hop_has_its_counter() -> None:
    counts = parse_lb_counts(METRICS, ROUTE)
    assert counts.requests == {PUBLIC: 120, INTERNAL: 110}
    assert counts.retries == {"web": 1, "data-service": 2}


def test_counts_since_a_baseline_are_differences() -> None:
    before = LbCounts({PUBLIC: 20, INTERNAL: 10}, {"web": 1, "data-service": 0})
    counts = parse_lb_counts(METRICS, ROUTE).since(before)
    assert counts == LbCounts({PUBLIC: 100, INTERNAL: 100}, {"web": 0, "data-service": 2})


def test_missing_counter_is_an_error() -> None:
    with pytest.raises(AuditError, match="counter haproxy_backend_retry_warnings_total for web"):
        parse_lb_counts(METRICS.replace("retry", "other"), ROUTE)
