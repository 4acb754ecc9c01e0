from dataclasses import replace
from typing import Any

import pytest

from alertdrill.runtimes.swarm.tasks import (
    Container,
    Service,
    Slot,
    Task,
    read_container,
    read_service,
    read_task,
    slots,
)


def spec(**more: Any) -> dict[str, Any]:
    return {
        "ID": "s1",
        "Spec": {
            "Name": "alertdrill_data-service",
            "Mode": {"Replicated": {"Replicas": 3}},
            "TaskTemplate": {"ContainerSpec": {"Image": "busybox"}},
            **more,
        },
    }


def details(**more: Any) -> dict[str, Any]:
    return {
        "ID": "t1",
        "ServiceID": "s1",
        "Slot": 2,
        "NodeID": "n1",
        "CreatedAt": "2026-11-24T10:00:00.123456789Z",
        "DesiredState": "running",
        "Status": {
            "Timestamp": "2026-11-24T10:00:01Z",
            "State": "running",
            "ContainerStatus": {"PID": 7},
        },
        **more,
    }


def test_empty_spec_means_swarms_defaults() -> None:
    service = read_service(spec(), "alertdrill")
    assert service == Service("s1", "data-service", "alertdrill_data-service", 3)
    assert (service.condition, service.grace, service.delay, service.healing_enabled) == (
        "any",
        10.0,
        5.0,
        False,
    )


def test_spec_is_parsed() -> None:
    template = {
        "ContainerSpec": {"StopGracePeriod": 25_000_000_000},
        "RestartPolicy": {"Condition": "on-failure", "Delay": 500_000_000},
    }
    service = read_service(spec(TaskTemplate=template), "alertdrill")
    assert (service.condition, service.grace, service.delay) == ("on-failure", 25.0, 0.5)


@pytest.mark.parametrize(("label", "healing_enabled"), [("1", True), ("true", True), ("0", False)])
def test_heal_label_is_the_services(label: str, healing_enabled: bool) -> None:
    assert (
        read_service(spec(Labels={"alertdrill.heal": label}), "alertdrill").healing_enabled
        is healing_enabled
    )


@pytest.mark.parametrize(
    ("mode", "replicas"),
    [({"Replicated": {}}, 1), ({"Replicated": {"Replicas": 0}}, 0), ({"Global": {}}, None)],
)
def test_replicas_depend_on_the_mode(mode: dict[str, Any], replicas: int | None) -> None:
    assert read_service(spec(Mode=mode), "alertdrill").replicas == replicas


def test_task_is_parsed() -> None:
    parsed = read_task(details())
    assert (parsed.service, parsed.slot, parsed.node, parsed.pid, parsed.live) == (
        *("s1", "2", "n1", 7),
        True,
    )
    assert (round(parsed.created_at, 3), parsed.state_since) == (1795514400.123, 1795514401.0)


def test_task_of_a_global_service_has_its_node() -> None:
    assert read_task(details(Slot=0)).slot == "n1"


@pytest.mark.parametrize(
    ("wanted", "state", "live"),
    [
        ("ready", "ready", True),  # waiting for the delay of its restart_policy
        ("running", "pending", True),
        ("running", "failed", False),
        ("shutdown", "running", False),
        ("remove", "running", False),
    ],
)
def test_leaving_and_ended_tasks_are_not_live(wanted: str, state: str, live: bool) -> None:
    status = {"Timestamp": "2026-11-24T10:00:01Z", "State": state}
    assert read_task(details(DesiredState=wanted, Status=status)).live is live


def test_containers_health_is_parsed() -> None:
    row = {"Names": ["/alertdrill_web.1.t1"], "State": "running"}
    assert read_container({**row, "Status": "Up 2 minutes (unhealthy)"}).unhealthy
    assert read_container({**row, "Status": "Up 2 minutes (healthy)"}) == Container(
        "alertdrill_web.1.t1", "running"
    )


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
