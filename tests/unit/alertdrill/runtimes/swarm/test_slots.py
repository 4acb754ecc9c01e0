from dataclasses import replace

import pytest

from alertdrill.runtimes.swarm.parse_tasks import Container, Service, Task
from alertdrill.runtimes.swarm.slots import Slot, slots

WEB = Service("s1", "web", "alertdrill_web", 2, healing_enabled=True)


def task(id_: str, slot: str, state: str = "running", **more: object) -> Task:
    return replace(Task(id_, "s1", slot, state, True, pid=7, state_since=100.0), **more)  # type: ignore[arg-type]


def states(*tasks: Task, service: Service = WEB) -> dict[str, str]:
    return {slot.name: slot.state for slot in slots(service, tasks, {})}


def test_slots_are_instances() -> None:
    [slot] = slots(replace(WEB, replicas=1), [task("t9", "1")], {})
    instance = slot.instance(130.0)
    assert (instance.name, instance.service, instance.state, instance.pid) == (
        "web-1",
        "web",
        "ready",
        7,
    )
    assert (instance.address, instance.uptime_seconds, instance.healing_enabled) == (
        "alertdrill_web.1.t9",
        30.0,
        True,
    )


def test_slots_are_sorted() -> None:
    service = replace(WEB, replicas=3)
    assert list(states(*(task(n, n) for n in ("10", "2", "1")), service=service)) == [
        *("web-1", "web-2", "web-10")
    ]


@pytest.mark.parametrize("state", ["new", "pending", "preparing", "ready", "starting"])
def test_preparing_task_is_starting(state: str) -> None:
    assert states(task("a", "1"), task("b", "2", state)) == {"web-1": "ready", "web-2": "starting"}


def test_ended_tasks_are_left_out() -> None:
    past = [task(f"p{n}", "2", "failed", should_run=False, created_at=float(n)) for n in range(3)]
    assert states(*past, task("a", "1"), task("b", "2", created_at=9.0)) == {
        "web-1": "ready",
        "web-2": "ready",
    }


def test_leaving_task_is_left_out() -> None:
    leaving = task("c", "3", should_run=False)
    assert list(states(task("a", "1"), task("b", "2"), leaving)) == ["web-1", "web-2"]


def test_lost_instance_stays_visible() -> None:
    given_up = task("b", "4", "failed", should_run=False, error="No such image: x")
    listed = slots(WEB, [task("a", "1"), given_up], {})
    assert [(slot.name, slot.state) for slot in listed] == [("web-1", "ready"), ("web-4", "failed")]
    assert listed[1].swarm_state == "failed: No such image: x"


def test_slot_without_a_task_yet_is_starting() -> None:
    service = replace(WEB, replicas=3)
    assert states(task("a", "1"), task("b", "3"), service=service) == {
        "web-1": "ready",
        "web-2": "starting",
        "web-3": "ready",
    }


def test_running_task_wins_during_an_update() -> None:
    old, new = task("a", "1"), task("b", "1", "starting", created_at=5.0)
    [slot] = slots(replace(WEB, replicas=1), [old, new], {})
    assert (slot.task, slot.state) == (old, "ready")


def test_newest_past_task_gives_the_error() -> None:
    leaving = task("a", "1", should_run=False, error="old")
    failed = task("b", "1", "failed", should_run=False, created_at=5.0, error="new")
    [slot] = slots(replace(WEB, replicas=1), [failed, leaving], {})
    assert slot.swarm_state == "failed: new"


def test_global_service_has_no_missing_slots() -> None:
    everywhere = replace(WEB, replicas=None)
    assert states(task("a", "node-a"), service=everywhere) == {"web-node-a": "ready"}


def test_tasks_of_other_services_are_left_out() -> None:
    assert states(task("a", "1", service="s2"), service=replace(WEB, replicas=0)) == {}


@pytest.mark.parametrize(
    ("state", "container", "expected"),
    [
        ("running", Container("x", "running"), "ready"),
        ("running", Container("x", "paused"), "paused"),
        ("running", Container("x", "running", unhealthy=True), "unready"),
        ("running", Container("x", "exited"), "unready"),
        ("starting", Container("x", "paused"), "paused"),
        ("starting", Container("x", "running"), "starting"),
    ],
)
def test_containers_state_refines_the_tasks(
    state: str, container: Container, expected: str
) -> None:
    assert Slot(WEB, "1", task("a", "1", state), container).state == expected


def test_own_error_precedes_past_errors() -> None:
    waits = task("b", "1", "pending", error="no suitable node")
    past = task("a", "1", "failed", error="exit (1)")
    assert Slot(WEB, "1", waits, None, past).swarm_state == "pending: no suitable node"
    assert Slot(WEB, "1", replace(waits, error=""), None, past).swarm_state == "pending: exit (1)"
    assert Slot(WEB, "1", None, None).swarm_state == "no task yet"
