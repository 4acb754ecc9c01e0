from dataclasses import replace

import pytest

from alertdrill.runtimes.errors import SwarmError
from alertdrill.runtimes.swarm import pending_reason
from alertdrill.runtimes.swarm.tasks import Container, Service, Slot, Task

WEB = Service("s1", "web", "alertdrill_web", 2)
HERE = Container("alertdrill_web.1.a", "running")


def slot(number: int, id_: str = "a", state: str = "running", error: str = "") -> Slot:
    task = Task(id_, "s1", str(number), state, True, "far", 7, error)
    return Slot(WEB, str(number), task, None)


def test_container_on_this_node_is_returned() -> None:
    assert pending_reason.local_container(replace(slot(1), container=HERE)) == HERE


def test_container_on_another_node_is_refused() -> None:
    with pytest.raises(SwarmError, match=r"on the node far, .* update --force alertdrill_web"):
        pending_reason.local_container(slot(1))


def test_slot_without_a_container_is_refused_with_its_state() -> None:
    waits = slot(1, state="pending", error="no suitable node")
    assert waits.task
    with pytest.raises(SwarmError, match=r"no container to restart: .* pending: no suitable node"):
        pending_reason.local_container(replace(waits, task=replace(waits.task, pid=None)))


def test_restart_policy_without_restarts_is_refused() -> None:
    service = replace(WEB, condition="on-failure")
    with pytest.raises(SwarmError, match="condition 'on-failure', but a restart needs 'any'"):
        pending_reason.local_container(replace(slot(1), service=service, container=HERE))


def test_restart_is_pending_until_another_task_is_ready() -> None:
    assert pending_reason.until_restart("web-1", "a", [slot(1, "a")])
    assert pending_reason.until_restart("web-1", "a", [slot(1, "b")]) is None
    assert pending_reason.until_restart("web-1", "a", [slot(1, "b", "preparing", "no image")]) == (
        "web-1 is not ready: Swarm says preparing: no image"
    )


def test_restart_of_a_removed_slot_is_an_error() -> None:
    with pytest.raises(SwarmError, match="no longer runs web-3"):
        pending_reason.until_restart("web-3", "a", [slot(1), slot(2)])


def test_scale_is_pending_until_new_slots_are_ready() -> None:
    fresh = slot(2, "b", "starting")
    assert pending_reason.until_scale(WEB, 2, {"1"}, [slot(1), fresh]) == (
        "web-2 is not ready: Swarm says starting"
    )
    assert pending_reason.until_scale(WEB, 2, {"1"}, [slot(1), slot(2)]) is None


def test_unhealthy_instance_does_not_block_scaling() -> None:
    unhealthy = slot(1, "a", "starting")
    assert pending_reason.until_scale(WEB, 2, {"1"}, [unhealthy, slot(2)]) is None


def test_scale_is_pending_until_extra_slots_are_gone() -> None:
    three = [slot(1), slot(2), slot(3)]
    assert pending_reason.until_scale(WEB, 2, {"1", "2", "3"}, three) == "web has 3 tasks, not 2"


def test_scale_by_another_client_is_an_error() -> None:
    with pytest.raises(SwarmError, match="Another client scaled web to 4"):
        pending_reason.until_scale(replace(WEB, replicas=4), 2, set(), [])


@pytest.mark.parametrize(
    ("state", "should_run", "lacking"),
    [
        ("running", False, "web-3 has not ended"),
        ("shutdown", False, None),
        ("failed", False, None),
        ("running", True, None),
    ],
)
def test_scale_in_is_pending_until_tasks_have_ended(
    state: str, should_run: bool, lacking: str | None
) -> None:
    task = Task("c", "s1", "3", state, should_run)
    assert pending_reason.until_leaving(["c"], [task], "web") == lacking
    assert pending_reason.until_leaving(["other"], [task], "web") is None
