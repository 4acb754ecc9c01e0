from typing import Any

import pytest

from alertdrill.runtimes.swarm.parse_tasks import (
    Container,
    Service,
    read_container,
    read_service,
    read_task,
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


def task(**more: Any) -> dict[str, Any]:
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
    parsed = read_task(task())
    assert (parsed.service, parsed.slot, parsed.node, parsed.pid, parsed.live) == (
        *("s1", "2", "n1", 7),
        True,
    )
    assert (round(parsed.created_at, 3), parsed.state_since) == (1795514400.123, 1795514401.0)


def test_task_of_a_global_service_has_its_node() -> None:
    assert read_task(task(Slot=0)).slot == "n1"


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
    assert read_task(task(DesiredState=wanted, Status=status)).live is live


def test_containers_health_is_parsed() -> None:
    row = {"Names": ["/alertdrill_web.1.t1"], "State": "running"}
    assert read_container({**row, "Status": "Up 2 minutes (unhealthy)"}).unhealthy
    assert read_container({**row, "Status": "Up 2 minutes (healthy)"}) == Container(
        "alertdrill_web.1.t1", "running"
    )
