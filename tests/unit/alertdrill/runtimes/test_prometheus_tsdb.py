import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from alertdrill.runtimes import prometheus_tsdb
from alertdrill.runtimes.prometheus_tsdb import MARKER_SERIES, MAX_BACKFILLS, TsdbError, TsdbStore

Call = tuple[str, str, Mapping[str, str]]
PAST = "x 1 1700000000\n# EOF\n"


@pytest.fixture
def store(tmp_path: Path) -> TsdbStore:
    """Return a storage with a promtool that records its arguments and its input."""
    promtool = tmp_path / "promtool"
    promtool.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/called\ncp "$5" {tmp_path}/given\n')
    promtool.chmod(0o755)
    return TsdbStore(tmp_path / "prometheus", "http://127.0.0.1:9090", "35d", promtool)


@pytest.fixture
def marks() -> list[list[object]]:
    return [[1700000000.5, "1"], [1700000000.501, "1"]]


@pytest.fixture
def calls(marks: list[list[object]], monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Replace Prometheus with a fake that records requests."""
    calls: list[Call] = []

    def request(_: object, method: str, url: str, **more: Any) -> requests.Response:
        calls.append((method, url.partition("/api/v1/")[2], more["params"]))
        answer = requests.Response()
        answer.status_code = 200
        result = [{"metric": {}, "values": marks}] if marks else []
        answer._content = json.dumps({"data": {"result": result}}).encode()
        return answer

    monkeypatch.setattr(requests.Session, "request", request)
    return calls


@pytest.fixture
def past(tmp_path: Path) -> Path:
    file = tmp_path / "past.txt"
    file.write_text(PAST)
    return file


def test_markers_end_before_prometheus_starts(store: TsdbStore, tmp_path: Path) -> None:
    store.write_markers()
    lines = (tmp_path / "given").read_text().splitlines()
    times = [float(line.split()[2]) for line in lines[:-1]]
    assert lines[-1] == "# EOF"
    assert len(set(times)) == MAX_BACKFILLS
    assert max(times) - min(times) < prometheus_tsdb.MARKER_LEAD_S


def test_backfill_uses_the_oldest_marker(
    store: TsdbStore, tmp_path: Path, calls: list[Call], past: Path
) -> None:
    store.backfill(past)
    called = (tmp_path / "called").read_text().split()
    assert called[:3] == ["tsdb", "create-blocks-from", "openmetrics"]
    assert called[-1] == str(store.folder)
    assert calls == [
        ("get", "query", {"query": f"{MARKER_SERIES}[35d]"}),
        (
            "post",
            "admin/tsdb/delete_series",
            {"match[]": MARKER_SERIES, "start": "1700000000.5", "end": "1700000000.5"},
        ),
        ("post", "admin/tsdb/clean_tombstones", {}),
    ]


def test_delete_series_keeps_the_markers(store: TsdbStore, calls: list[Call]) -> None:
    store.delete_series()
    [(_, first, values), (_, second, _)] = calls
    assert (first, second) == ("admin/tsdb/delete_series", "admin/tsdb/clean_tombstones")
    assert values == {"match[]": f'{{__name__=~".+",__name__!="{MARKER_SERIES}"}}'}


def test_missing_markers_are_an_error(
    store: TsdbStore, calls: list[Call], marks: list[list[object]], past: Path
) -> None:
    marks.clear()
    with pytest.raises(TsdbError, match=r"was backfilled 1000 times: start a new"):
        store.backfill(past)


def test_invalid_backfill_is_named(store: TsdbStore, calls: list[Call], past: Path) -> None:
    store.promtool.write_text(
        "#!/bin/sh\necho 'error: next: data does not end with # EOF' >&2; exit 1\n"
    )
    with pytest.raises(
        TsdbError, match=r"^past\.txt can't be backfilled: .*error: next: data does not end"
    ):
        store.backfill(past)
    assert [name for _, name, _ in calls] == ["query"]


def test_refusal_of_prometheus_is_an_error(
    store: TsdbStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(requests.Session, "request", refuse)
    with pytest.raises(TsdbError, match=r"does not answer: .* See `make logs S="):
        store.delete_series()
