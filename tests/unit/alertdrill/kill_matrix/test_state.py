import pytest

from alertdrill.kill_matrix.state import StackState, find_stale, find_unready, is_replaced
from alertdrill.runtimes.base import Instance
from tests.unit.alertdrill.fake_runtime import instance
from tests.unit.alertdrill.kill_matrix.samples import row

TARGET = frozenset({"service": "web", "instance": "web-1"}.items())
SERVER = frozenset({"proxy": "web", "server": "web-1"}.items())


def state(*instances: Instance, up: float = 0.0, servers: float = 0.0) -> StackState:
    return StackState({item.name: item for item in instances}, {TARGET: up}, {SERVER: servers})


BEFORE = state(instance("web-1", pid=7), instance("web-2", pid=8))


@pytest.mark.parametrize(
    ("web_1", "deviation"),
    [
        (instance("web-1", state="paused"), "web-1 is paused."),
        (instance("web-1", state="standby", pid=None), "web-1 is standby."),
        (instance("web-1", pid=7), "web-1 has not stopped yet."),
        (instance("web-1", pid=9), ""),
    ],
)
def test_killed_instance_needs_a_ready_successor(web_1: Instance, deviation: str) -> None:
    now = state(web_1, instance("web-2", pid=8))
    assert find_unready(row(), BEFORE, now) == deviation


def test_paused_instance_may_continue_as_the_same_process() -> None:
    assert find_unready(row(fault="pause"), BEFORE, BEFORE) == ""


def test_other_instances_must_be_ready_too() -> None:
    broken = state(instance("web-1", pid=9), instance("web-2", state="failed"))
    assert find_unready(row(), BEFORE, broken) == "web-2 is failed."
    assert find_unready(row(), BEFORE, state(instance("web-1", pid=9))) == "web-2 is gone."
    scaled_in = state(instance("web-1", pid=9), instance("web-2", state="standby", pid=None))
    assert find_unready(row(), BEFORE, scaled_in) == ""


def test_samples_must_be_newer_than_the_last_start() -> None:
    assert find_stale(BEFORE, state(up=11.0, servers=11.0), 10.0) == ""
    assert find_stale(BEFORE, state(up=9.0, servers=11.0), 10.0) == "the target web-1 is not up."
    assert find_stale(BEFORE, state(up=11.0, servers=9.0), 10.0) == "the server web-1 is not up."
    assert find_stale(BEFORE, StackState(), 10.0) == "the target web-1 is not up."


def test_process_is_replaced_by_another_one() -> None:
    assert is_replaced(["web-1"], BEFORE, state(instance("web-1", pid=9)))
    assert not is_replaced(["web-1"], BEFORE, state(instance("web-1", pid=7)))
    assert not is_replaced(["web-1"], BEFORE, state(instance("web-1", pid=None)))
    assert not is_replaced(["web-1", "web-2"], BEFORE, state(instance("web-1", pid=9)))
