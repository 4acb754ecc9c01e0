from __future__ import annotations

from itertools import islice
from typing import get_args

import pytest

from alertdrill.clients.http import UnreachableError
from alertdrill.errors import AlertdrillError
from alertdrill.logs import search
from alertdrill.logs.query import Query
from alertdrill.logs.search import Origin, Search, reason_for_files, target_labels
from alertdrill.runtimes.base import Instance, State
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance
from tests.unit.alertdrill.logs.conftest import FakeLoki

WEB, LOKI, COLLECTOR = instance("web-1"), instance("loki-1"), instance("collector-1")
ALL = [WEB, LOKI, COLLECTOR]
ERROR = UnreachableError("Loki does not answer at http://127.0.0.1:3100: see `make status`.")


class SearchedStack(FakeRuntime):
    """A stack with lines in Loki and others in files; it records the messages of a search."""

    def __init__(self, loki: FakeLoki) -> None:
        super().__init__()
        self.running = ALL
        self.lines = {"web-1": ["from a file"]}
        self.loki = loki
        self.messages: list[str] = []

    def find(self, options: Search) -> list[str]:
        """Return the messages found, without those that follow."""
        groups = search.search_logs(self, options, self.messages.append)
        batches = islice(groups, 1 if options.follow else None)
        return [record.message for group in batches for record in group]


@pytest.fixture
def stack(loki: FakeLoki, monkeypatch: pytest.MonkeyPatch) -> SearchedStack:
    monkeypatch.setattr(search, "Loki", lambda _: loki)
    return SearchedStack(loki)


@pytest.mark.parametrize("follow", [False, True])
def test_search_uses_loki_if_it_runs(stack: SearchedStack, follow: bool) -> None:
    options = Search(Query(trace="1" * 32), "web", lines=2, follow=follow)
    assert stack.find(options) == [line.message for line in stack.loki.lines[1:]]
    assert stack.messages == ["from Loki"]
    assert all('service="web"' in logql for _, logql, _ in stack.loki.queries)
    assert any("trace_id=" in logql for _, logql, _ in stack.loki.queries)
    assert stack.calls == []


def test_search_reads_files_without_loki(stack: SearchedStack) -> None:
    stack.running = [WEB]
    assert stack.find(Search(Query())) == ["from a file"]
    assert stack.messages == ["from the log files: Loki is not running"]
    assert stack.loki.queries == []


@pytest.mark.parametrize("follow", [False, True])
def test_search_reports_a_failing_loki_and_reads_files(stack: SearchedStack, follow: bool) -> None:
    stack.loki.error = ERROR
    options = Search(Query(since=0), "web", lines=5, follow=follow)
    assert stack.find(options) == ["from a file"]
    assert stack.messages == [str(ERROR), "from the log files: Loki does not respond"]
    assert stack.calls == [("logs", "web", None)]


def test_search_does_not_switch_to_files_after_lines_from_loki(stack: SearchedStack) -> None:
    stack.loki.error, stack.loki.good = ERROR, 2
    with pytest.raises(UnreachableError):
        stack.find(Search(Query()))
    assert stack.calls == []


def test_empty_result_of_loki_is_final(stack: SearchedStack) -> None:
    stack.loki.lines = []
    assert stack.find(Search(Query())) == []
    assert (stack.messages, stack.calls) == (["from Loki"], [])


@pytest.mark.parametrize(
    ("origin", "message"),
    [("files", "from the log files: as requested"), ("loki", "from Loki")],
)
def test_chosen_source_is_used(stack: SearchedStack, origin: Origin, message: str) -> None:
    assert stack.find(Search(Query(), origin=origin))
    assert stack.messages == [message]


def test_chosen_loki_that_is_missing_is_an_error(stack: SearchedStack) -> None:
    stack.running = [WEB]
    with pytest.raises(AlertdrillError, match=r"^cannot search Loki: Loki is not running$"):
        stack.find(Search(Query(), origin="loki"))
    stack.running, stack.loki.error = ALL, ERROR
    with pytest.raises(UnreachableError):
        stack.find(Search(Query(), origin="loki"))
    assert stack.calls == []


@pytest.mark.parametrize("target", [None, "web", "web-1", "loki"])
def test_loki_is_used_if_loki_and_collector_run(target: str | None) -> None:
    assert reason_for_files(ALL, target) is None


@pytest.mark.parametrize(
    ("instances", "reason"),
    [
        ([], "Loki is not running"),
        ([WEB, COLLECTOR], "Loki is not running"),
        ([WEB, LOKI], "the collector is not running"),
        ([LOKI, instance("collector-1", state="stopped")], "the collector is not running"),
        ([instance("loki-1", state="paused"), COLLECTOR], "Loki is paused"),
        ([LOKI, instance("collector-1", state="unready")], "the collector is unready"),
    ],
)
def test_files_are_used_with_a_reason(instances: list[Instance], reason: str) -> None:
    assert reason_for_files(instances, None) == reason


@pytest.mark.parametrize("state", sorted({*get_args(State)} - {"ready"}))
def test_files_are_used_in_any_state_but_ready(state: State) -> None:
    assert reason_for_files([instance("loki-1", state=state), COLLECTOR], None)


@pytest.mark.parametrize("target", ["collector", "collector-1"])
def test_files_are_used_for_the_collectors_own_lines(target: str) -> None:
    assert reason_for_files(ALL, target) == "the collector does not send its own lines to Loki"


def test_unknown_target_is_not_running() -> None:
    assert reason_for_files(ALL, "unknown") == "unknown is not running"


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        (None, {}),
        ("web", {"service": "web"}),
        ("web-1", {"instance": "web-1"}),
        ("web-2", {}),
    ],
)
def test_target_becomes_a_label_matcher(target: str | None, labels: dict[str, str]) -> None:
    assert target_labels(ALL, target) == labels
