from typing import get_args

import pytest

from alertdrill.logs.source_selection import reason_for_files, target_labels
from alertdrill.runtimes import Instance
from alertdrill.runtimes.base import State


def instance(name: str, state: State = "ready") -> Instance:
    return Instance(name, name.rpartition("-")[0], state, 7, "127.0.0.1:1", 1.0)


WEB, LOKI, COLLECTOR = instance("web-1"), instance("loki-1"), instance("collector-1")
ALL = [WEB, LOKI, COLLECTOR]


@pytest.mark.parametrize("target", [None, "web", "web-1", "loki"])
def test_loki_is_asked_where_both_run(target: str | None) -> None:
    assert reason_for_files(ALL, target) is None


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([], "Loki is not running"),
        ([WEB, COLLECTOR], "Loki is not running"),
        ([WEB, LOKI], "the collector is not running"),
        ([LOKI, instance("collector-1", "stopped")], "the collector is not running"),
        ([instance("loki-1", "paused"), COLLECTOR], "Loki is paused"),
        ([LOKI, instance("collector-1", "unready")], "the collector is unready"),
    ],
)
def test_files_are_read_for_a_reason(found: list[Instance], why: str) -> None:
    assert reason_for_files(found, None) == why


@pytest.mark.parametrize("state", sorted({*get_args(State)} - {"ready"}))
def test_any_other_state_has_a_reason(state: State) -> None:
    assert reason_for_files([instance("loki-1", state), COLLECTOR], None)


@pytest.mark.parametrize("target", ["collector", "collector-1"])
def test_collector_does_not_carry_its_own(target: str) -> None:
    assert reason_for_files(ALL, target) == "the collector does not send its own lines to Loki"


def test_unknown_target_is_for_the_runtime_to_refuse() -> None:
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
def test_target_is_a_label(target: str | None, labels: dict[str, str]) -> None:
    assert target_labels(ALL, target) == labels
