import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from alertdrill.programs import Located
from alertdrill.runtimes import series
from alertdrill.runtimes.native.hands import Hands
from alertdrill.runtimes.native.process import Site
from alertdrill.runtimes.series import COUNT, MARKS, SeriesError
from alertdrill.settings import StackSettings

Call = tuple[str, str, Mapping[str, str]]
PAST = "x 1 1700000000\n# EOF\n"


class FakeSupervisor:
    """Runs."""

    def alive(self) -> bool:
        return True


@pytest.fixture
def promtool(site: Site, tmp_path: Path) -> Path:
    """Return a promtool that notes how it was called and what it was given."""
    file = site.programs["promtool"].path
    file.parent.mkdir()
    file.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/called\ncp "$5" {tmp_path}/given\n')
    file.chmod(0o755)
    return file


@pytest.fixture
def make(tmp_path: Path, site: Site, promtool: Path) -> Callable[..., Any]:
    """Return a function that makes hands of a stack with these settings."""

    def hands(**settings: Any) -> Any:
        made: Any = Hands(StackSettings(tmp_path, **settings))
        made.supervisor = FakeSupervisor()
        made.locate = lambda notify: Located(site.programs, ())
        return made

    return hands


@pytest.fixture
def marks() -> list[list[object]]:
    return [[1700000000.5, "1"], [1700000000.501, "1"]]


@pytest.fixture
def calls(marks: list[list[object]], monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Stand in for Prometheus; note what it is asked."""
    asked: list[Call] = []

    def request(_: object, method: str, url: str, **more: Any) -> requests.Response:
        asked.append((method, url.partition("/api/v1/")[2], more["params"]))
        answer = requests.Response()
        answer.status_code = 200
        result = [{"metric": {}, "values": marks}] if marks else []
        answer._content = json.dumps({"data": {"result": result}}).encode()
        return answer

    monkeypatch.setattr(requests.Session, "request", request)
    return asked


@pytest.fixture
def past(tmp_path: Path) -> Path:
    file = tmp_path / "past.txt"
    file.write_text(PAST)
    return file


def test_marks_end_before_prometheus_begins(make: Callable[..., Any], site: Site) -> None:
    hands = make(rehearsal=True)
    series.prepare(hands.store(site.programs))
    given = (hands.settings.home / "given").read_text().splitlines()
    times = [float(line.split()[2]) for line in given[:-1]]
    assert given[-1] == "# EOF"
    assert len(set(times)) == COUNT
    assert max(times) - min(times) < series.BEFORE


def test_import_uses_up_the_oldest_mark(
    make: Callable[..., Any], calls: list[Call], past: Path
) -> None:
    hands = make(rehearsal=True)
    series.import_series(hands.rehearsed("made up"), past)
    called = (hands.settings.home / "called").read_text().split()
    assert called[:3] == ["tsdb", "create-blocks-from", "openmetrics"]
    assert called[-1] == str(hands.layout.data / "prometheus")
    assert calls == [
        ("get", "query", {"query": f"{MARKS}[35d]"}),
        (
            "post",
            "admin/tsdb/delete_series",
            {"match[]": MARKS, "start": "1700000000.5", "end": "1700000000.5"},
        ),
        ("post", "admin/tsdb/clean_tombstones", {}),
    ]


def test_forgetting_spares_the_marks(make: Callable[..., Any], calls: list[Call]) -> None:
    series.forget_series(make(rehearsal=True).rehearsed("forgotten"))
    [(_, first, values), (_, second, _)] = calls
    assert (first, second) == ("admin/tsdb/delete_series", "admin/tsdb/clean_tombstones")
    assert values == {"match[]": f'{{__name__=~".+",__name__!="{MARKS}"}}'}


def test_real_series_are_safe(make: Callable[..., Any], calls: list[Call], past: Path) -> None:
    hands = make(speed=12.0)
    with pytest.raises(SeriesError, match=r"^The series of a real stack are not made up: do it in"):
        hands.rehearsed("made up")
    with pytest.raises(SeriesError, match=r"are not forgotten: do it in a rehearsal's own stack"):
        hands.rehearsed("forgotten")
    assert calls == []
    assert not (hands.settings.home / "called").exists()


def test_used_up_marks_are_told(
    make: Callable[..., Any], calls: list[Call], marks: list[list[object]], past: Path
) -> None:
    marks.clear()
    with pytest.raises(SeriesError, match=r"has imported 1000 times: begin another"):
        series.import_series(make(rehearsal=True).rehearsed("made up"), past)


def test_broken_past_is_named(
    make: Callable[..., Any], calls: list[Call], past: Path, promtool: Path
) -> None:
    promtool.write_text("#!/bin/sh\necho 'error: next: data does not end with # EOF' >&2; exit 1\n")
    with pytest.raises(SeriesError, match=r"^past\.txt is no past: error: next: data does not end"):
        series.import_series(make(rehearsal=True).rehearsed("made up"), past)
    assert [name for _, name, _ in calls] == ["query"]


def test_silent_prometheus_is_told(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(requests.Session, "request", refuse)
    with pytest.raises(SeriesError, match=r"did not take it \(refused\): look at `make logs S="):
        series.forget_series(make(rehearsal=True).rehearsed("forgotten"))
