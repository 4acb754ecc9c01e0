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
def test_loki_is_used_if_loki_and_collector_run(target: str | None) -> None:
    assert reason_for_files(ALL, target) is None


@pytest.mark.parametrize(
    ("instances", "reason"),
    [
        ([], "Loki is not running"),
        ([WEB, COLLECTOR], "Loki is not running"),
        ([WEB, LOKI], "the collector is not running"),
        ([LOKI, instance("collector-1", "stopped")], "the collector is not running"),
        ([instance("loki-1", "paused"), COLLECTOR], "Loki is paused"),
        ([LOKI, instance("collector-1", "unready")], "the collector is unready"),
    ],
)
def test_files_are_used_with_a_reason(instances: list[Instance], reason: str) -> None:
    assert reason_for_files(instances, None) == reason


@pytest.mark.parametrize("state", sorted({*get_args(State)} - {"ready"}))
def test_files_are_used_in_any_state_but_ready(state: State) -> None:
    assert reason_for_files([instance("loki-1", state), COLLECTOR], None)


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
