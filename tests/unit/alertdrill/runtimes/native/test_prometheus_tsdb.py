import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from alertdrill.config.settings import StackSettings
from alertdrill.runtimes import prometheus_tsdb
from alertdrill.runtimes.native.context import NativeContext
from alertdrill.runtimes.native.process_spec import RenderContext
from alertdrill.runtimes.prometheus_tsdb import MARKER_SERIES, MAX_BACKFILLS, TsdbError
from alertdrill.toolchain.find import ResolvedPrograms

Call = tuple[str, str, Mapping[str, str]]
PAST = "x 1 1700000000\n# EOF\n"


class FakeSupervisor:
    """Runs."""

    def is_running(self) -> bool:
        return True


@pytest.fixture
def promtool(render_context: RenderContext, tmp_path: Path) -> Path:
    """Return a promtool that records its arguments and its input."""
    file = render_context.programs["promtool"].path
    file.parent.mkdir()
    file.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/called\ncp "$5" {tmp_path}/given\n')
    file.chmod(0o755)
    return file


@pytest.fixture
def make(tmp_path: Path, render_context: RenderContext, promtool: Path) -> Callable[..., Any]:
    """Return a function that creates the context of a stack with some settings."""

    def context(**settings: Any) -> Any:
        native_context: Any = NativeContext(StackSettings(tmp_path, **settings))
        native_context.supervisor = FakeSupervisor()
        native_context.locate = lambda on_progress: ResolvedPrograms(render_context.programs, ())
        return native_context

    return context


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


def test_markers_end_before_prometheus_starts(
    make: Callable[..., Any], render_context: RenderContext
) -> None:
    context = make(ephemeral=True)
    prometheus_tsdb.write_markers(context.store(render_context.programs))
    lines = (context.settings.home / "given").read_text().splitlines()
    times = [float(line.split()[2]) for line in lines[:-1]]
    assert lines[-1] == "# EOF"
    assert len(set(times)) == MAX_BACKFILLS
    assert max(times) - min(times) < prometheus_tsdb.MARKER_LEAD_S


def test_backfill_uses_the_oldest_marker(
    make: Callable[..., Any], calls: list[Call], past: Path
) -> None:
    context = make(ephemeral=True)
    prometheus_tsdb.backfill(context.ephemeral_store("backfilled"), past)
    called = (context.settings.home / "called").read_text().split()
    assert called[:3] == ["tsdb", "create-blocks-from", "openmetrics"]
    assert called[-1] == str(context.layout.data / "prometheus")
    assert calls == [
        ("get", "query", {"query": f"{MARKER_SERIES}[35d]"}),
        (
            "post",
            "admin/tsdb/delete_series",
            {"match[]": MARKER_SERIES, "start": "1700000000.5", "end": "1700000000.5"},
        ),
        ("post", "admin/tsdb/clean_tombstones", {}),
    ]


def test_delete_series_keeps_the_markers(make: Callable[..., Any], calls: list[Call]) -> None:
    prometheus_tsdb.delete_series(make(ephemeral=True).ephemeral_store("deleted"))
    [(_, first, values), (_, second, _)] = calls
    assert (first, second) == ("admin/tsdb/delete_series", "admin/tsdb/clean_tombstones")
    assert values == {"match[]": f'{{__name__=~".+",__name__!="{MARKER_SERIES}"}}'}


def test_series_of_other_stacks_are_safe(
    make: Callable[..., Any], calls: list[Call], past: Path
) -> None:
    context = make(speed=12.0)
    with pytest.raises(TsdbError, match=r"^The series of this stack can't be backfilled: use"):
        context.ephemeral_store("backfilled")
    with pytest.raises(TsdbError, match=r"can't be deleted: use an ephemeral stack"):
        context.ephemeral_store("deleted")
    assert calls == []
    assert not (context.settings.home / "called").exists()


def test_missing_markers_are_an_error(
    make: Callable[..., Any], calls: list[Call], marks: list[list[object]], past: Path
) -> None:
    marks.clear()
    with pytest.raises(TsdbError, match=r"was backfilled 1000 times: start a new"):
        prometheus_tsdb.backfill(make(ephemeral=True).ephemeral_store("backfilled"), past)


def test_invalid_backfill_is_named(
    make: Callable[..., Any], calls: list[Call], past: Path, promtool: Path
) -> None:
    promtool.write_text("#!/bin/sh\necho 'error: next: data does not end with # EOF' >&2; exit 1\n")
    with pytest.raises(
        TsdbError, match=r"^past\.txt can't be backfilled: error: next: data does not end"
    ):
        prometheus_tsdb.backfill(make(ephemeral=True).ephemeral_store("backfilled"), past)
    assert [name for _, name, _ in calls] == ["query"]


def test_refusal_of_prometheus_is_an_error(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(requests.Session, "request", refuse)
    with pytest.raises(TsdbError, match=r"refused the request \(refused\): see `make logs S="):
        prometheus_tsdb.delete_series(make(ephemeral=True).ephemeral_store("deleted"))
