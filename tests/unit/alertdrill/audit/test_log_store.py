from typing import Any

import pytest

from alertdrill.audit.access_lines import HOPS
from alertdrill.audit.errors import AuditError
from alertdrill.audit.log_store import FakeLokiClient, LokiLogStore, find_log_store
from alertdrill.loki_client import LokiLine
from tests.unit.alertdrill.audit.conftest import Peer, access, as_text

PUBLIC, _, WEB, _ = HOPS
FIELDS = [access("web", "run-1"), access("web", "run-1"), access("lb", "run-1", frontend="public")]


class FakeRuntime:
    def address(self, part: str) -> str:
        return f"http://127.0.0.1:1/{part}"


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
    store = find_log_store(FakeRuntime(), running)  # type: ignore[arg-type]
    assert (store and store.name) == name


def test_loki_query_covers_all_lines_of_the_audit() -> None:
    queries: list[tuple[str, tuple[int, int]]] = []

    class FakeLoki:
        def every(self, logql: str, span: tuple[int, int]) -> list[LokiLine]:
            queries.append((logql, span))
            return [LokiLine(1, fields, "POST /process") for fields in FIELDS]

    loki: Any = FakeLoki()
    counts = LokiLogStore(loki).count_ids("run", since=1000.0)
    assert (counts[WEB], counts[PUBLIC]) == ({"run-1": 2}, {"run-1": 1})
    [(logql, (begin, end))] = queries
    assert 'request_id=~"run-.*"' in logql
    assert begin == 999 * 10**9
    assert end > begin


def test_fake_loki_query_selects_the_ids_of_the_audit(peer: Peer) -> None:
    peer.answer = lambda *_: (200, "".join(f"{as_text(fields)}\n" for fields in FIELDS))
    counts = FakeLokiClient(peer.url).count_ids("run", since=0.0)
    assert (counts[WEB], counts[PUBLIC]) == ({"run-1": 2}, {"run-1": 1})
    assert peer.requests[0][1] == "/lines?request_id=run"


def test_failing_fake_loki_is_an_error(peer: Peer) -> None:
    peer.answer = lambda *_: (500, "")
    with pytest.raises(AuditError, match="does not respond"):
        FakeLokiClient(peer.url).count_ids("run", since=0.0)
