from pathlib import Path

import pytest

from alertdrill.clients.loki import Loki
from alertdrill.clients.prometheus import Prometheus
from alertdrill.drills import runbook_queries
from alertdrill.drills.errors import UnmetError
from tests.http_server import FakeServer

TEXT = """\
# Down

```promql
up == 0
```
Some words, and `code`.
```bash
make up
```
```logql
{service="web"}
```
```promql
sum(
  rate(a[5m]))
```
"""
SOME = {"data": {"resultType": "vector", "result": [{"metric": {}, "value": [0, "1"]}]}}
NONE = {"data": {"resultType": "vector", "result": []}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    runbook = tmp_path / "Down.md"
    runbook.write_text(TEXT)
    return runbook


def check(file: Path, server: FakeServer, *, loki: bool = True) -> runbook_queries.RunbookCheck:
    stores = runbook_queries.DataSources(Prometheus(server.url), Loki(server.url) if loki else None)
    return runbook_queries.run_queries(
        file, stores, lambda query: query.replace("5m", "25s"), 1000.0
    )


def test_queries_are_the_fenced_blocks() -> None:
    assert runbook_queries.queries(TEXT) == [
        ("promql", "up == 0"),
        ("logql", '{service="web"}'),
        ("promql", "sum(\n  rate(a[5m]))"),
    ]


def test_every_query_runs_scaled(server: FakeServer, file: Path) -> None:
    server.answers = {"/api/v1/query": SOME, "/loki/api/v1/query_range": SOME}
    assert check(file, server) == runbook_queries.RunbookCheck(3, "")
    logs = {"query": '{service="web"}', "start": "400.000", "end": "1000.000"}
    assert [request.query for request in server.requests] == [
        {"query": "up == 0", "time": "1000.000"},
        logs,
        {"query": "sum(\n  rate(a[25s]))", "time": "1000.000"},
    ]


def test_only_logql_is_skipped_without_loki(server: FakeServer, file: Path) -> None:
    server.answers = {"/api/v1/query": SOME}
    assert check(file, server, loki=False) == runbook_queries.RunbookCheck(
        2, "LogQL, because Loki does not run"
    )


@pytest.mark.parametrize("empty", ["/api/v1/query", "/loki/api/v1/query_range"])
def test_query_without_data_fails(server: FakeServer, file: Path, empty: str) -> None:
    server.answers = {"/api/v1/query": SOME, "/loki/api/v1/query_range": SOME, empty: NONE}
    with pytest.raises(UnmetError, match=r"^Down\.md: the query `.*` returns no data"):
        check(file, server)


def test_rejected_query_fails(server: FakeServer, file: Path) -> None:
    server.answers = {"/api/v1/query": 400}
    with pytest.raises(UnmetError, match=r"^Down\.md: the query `up == 0` fails: .* answers 400"):
        check(file, server)
