from collections.abc import Iterator
from typing import Any

import pytest

from alertdrill.audit.lines import (
    AccessLine,
    AccessLines,
    AuditError,
    LogStore,
    Route,
    audit_route,
    find_log_store,
    parse_access_line,
    query_fake_loki,
    query_loki,
)
from alertdrill.clients.loki import LokiLine
from alertdrill.config.services import AuditRequest, Service
from tests.unit.alertdrill.audit.conftest import ROUTE, Peer, access, as_text
from tests.unit.alertdrill.fake_runtime import FakeRuntime

PUBLIC, INTERNAL, WEB, DATA_SERVICE = ROUTE.hops


def line(service: str, id_: str = "run-1", **fields_changed: Any) -> str:
    return as_text(access(service, id_, **fields_changed))


def lb(id_: str, frontend: str = "public", retries: str = "0", **fields_changed: Any) -> str:
    return line("lb", id_, frontend=frontend, retries=retries, **fields_changed)


class Logs:
    """A runtime whose instances have these lines."""

    def __init__(self, **files: list[str]) -> None:
        self.files = {name.replace("_", "-"): lines for name, lines in files.items()}

    def logs(self, target: str, lines: int | None) -> Iterator[tuple[str, str]]:
        for name, texts in self.files.items():
            if name.rpartition("-")[0] == target:
                yield from ((name, text) for text in texts[-(lines or 0) :])


def read(logs: Logs) -> AccessLines:
    access_lines = AccessLines(logs, ROUTE, "run")  # type: ignore[arg-type]
    access_lines.read()
    return access_lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (lb("run-1"), AccessLine(PUBLIC, "run-1")),
        (lb("run-1", "internal", "+2"), AccessLine(INTERNAL, "run-1", 2)),
        (line("web"), AccessLine(WEB, "run-1")),
        (line("data-service"), AccessLine(DATA_SERVICE, "run-1")),
        (line("web", path="/"), None),
        (lb("run-1", path="/"), AccessLine(PUBLIC, "run-1")),
        (lb("run-1", "statistics"), None),
        (line("web", logger="root"), None),
        (line("responder"), None),
        ("Traceback (most recent call last):", None),
        ('{"logger":"acc', None),
        ("[1]", None),
        ("[" * 100_000, None),
    ],
)
def test_parser_ignores_lines_of_requests_that_do_not_count(
    text: str, expected: AccessLine | None
) -> None:
    assert parse_access_line(text, ROUTE) == expected


def test_audit_requests_are_counted_apart_from_others() -> None:
    access_lines = read(Logs(lb_1=[lb("run-1"), lb("probe", path="/")], web_2=[line("web")]))
    assert access_lines.audit_counts()[PUBLIC] == {"run-1": 1}
    assert access_lines.audit_counts()[WEB] == {"run-1": 1}
    assert access_lines.other_counts() == {PUBLIC: 1}


def test_doubled_line_counts_twice() -> None:
    assert read(Logs(web_1=[line("web"), line("web")])).audit_counts()[WEB] == {"run-1": 2}
    both = Logs(web_1=[line("web")], web_2=[line("web")])
    assert read(both).audit_counts()[WEB] == {"run-1": 2}


def test_rotated_line_still_counts() -> None:
    logs = Logs(web_1=[line("web", "run-1"), line("web", "run-2")])
    access_lines = read(logs)
    logs.files["web-1"] = [line("web", "run-2"), line("web", "run-3")]
    access_lines.read()
    assert access_lines.audit_counts()[WEB] == {"run-1": 1, "run-2": 1, "run-3": 1}


def test_recent_lines_are_added_to_earlier_ones() -> None:
    logs = Logs(lb_1=[lb("run-1"), lb("run-2")])
    access_lines = read(logs)
    logs.files["lb-1"].append(lb("run-3"))
    access_lines.read(count=2)
    assert access_lines.audit_counts()[PUBLIC] == {"run-1": 1, "run-2": 1, "run-3": 1}


def test_retries_are_counted_per_service() -> None:
    access_lines = read(Logs(lb_1=[lb("run-1", retries="1"), lb("run-2", "internal", "2")]))
    assert access_lines.retries()["web"] == {"run-1": 1}
    assert access_lines.retries()["data-service"] == {"run-2": 2}


def service(name: str, **declared: Any) -> Service:
    return Service(name=name, port=5000, **declared)


AUDIT = AuditRequest(path="/a", body={"x": 1})


def test_route_is_that_of_the_services() -> None:
    web = service("web", calls=["data-service"], audit=AUDIT)
    route = audit_route([service("orders"), web])
    assert route == Route("/a", {"x": 1}, ("web", "data-service"))
    assert route.hops[:2] == ("lb, public frontend", "lb, internal frontend")
    assert route.hops[2:] == ("web", "data-service")


def test_request_that_calls_no_service_passes_one_frontend() -> None:
    route = audit_route([service("web", audit=AUDIT)])
    assert route.hops == ("lb, public frontend", "web")
    assert parse_access_line(lb("run-1", "internal"), route) is None


@pytest.mark.parametrize("declared", [{}, {"audit": AUDIT, "calls": ["a", "b"]}])
def test_services_without_a_route_are_an_error(declared: dict[str, Any]) -> None:
    with pytest.raises(AuditError, match=r"no service of apps/services\.yml has `audit`"):
        audit_route([service("web", **declared)])


FIELDS = [access("web", "run-1"), access("web", "run-1"), access("lb", "run-1", frontend="public")]


@pytest.mark.parametrize(
    ("running", "name"),
    [
        ({"loki", "collector"}, "Loki"),
        ({"fake-loki", "collector"}, "fake Loki"),
        ({"loki"}, None),
        ({"collector"}, None),
    ],
)
def test_log_store_is_the_one_that_the_collector_sends_to(
    running: set[str], name: str | None
) -> None:
    store = find_log_store(FakeRuntime(), running, ROUTE, "run")
    assert (store and store.name) == name


def test_loki_query_covers_all_lines_of_the_audit() -> None:
    queries: list[tuple[str, tuple[int, int]]] = []

    class FakeLoki:
        def every(self, logql: str, span: tuple[int, int]) -> list[LokiLine]:
            queries.append((logql, span))
            return [LokiLine(1, fields, "POST /process") for fields in FIELDS]

    loki: Any = FakeLoki()
    store = LogStore("Loki", ROUTE, lambda since: query_loki(loki, ROUTE, "run", since))
    counts = store.count_ids(since=1000.0)
    assert (counts[WEB], counts[PUBLIC]) == ({"run-1": 2}, {"run-1": 1})
    [(logql, (begin, end))] = queries
    assert 'request_id=~"run-.*"' in logql
    assert 'service=~"lb|web|data-service"' in logql
    assert begin == 999 * 10**9
    assert end > begin


def test_fake_loki_query_selects_the_ids_of_the_audit(peer: Peer) -> None:
    peer.answer = lambda *_: (200, "".join(f"{as_text(fields)}\n" for fields in FIELDS))
    assert list(query_fake_loki(peer.url, "run")) == FIELDS
    assert peer.requests[0][1] == "/lines?request_id=run"


def test_failing_fake_loki_is_an_error(peer: Peer) -> None:
    peer.answer = lambda *_: (500, "")
    with pytest.raises(AuditError, match="does not respond"):
        query_fake_loki(peer.url, "run")
