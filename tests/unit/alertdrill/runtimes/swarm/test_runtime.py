from typing import Any

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.errors import (
    EngineError,
    NotReadyError,
    StackUnavailableError,
    UnknownTargetError,
)
from alertdrill.runtimes.swarm.runtime import MAX_ATTEMPTS, SwarmRuntime
from tests.unit.alertdrill.runtimes.swarm.conftest import FakeSwarm


def scale(swarm: SwarmRuntime, service: str, count: int) -> list[str]:
    lines: list[str] = []
    swarm.scale(service, count, lines.append)
    return lines


def states(swarm: SwarmRuntime) -> dict[str, str]:
    return {instance.name: instance.state for instance in swarm.status()}


def test_every_task_is_an_instance(swarm: SwarmRuntime) -> None:
    assert [
        (instance.name, instance.state, instance.healing_enabled) for instance in swarm.status()
    ] == [
        ("web-1", "ready", True),
        ("web-2", "ready", True),
        ("data-service-1", "ready", False),
    ]


def test_missing_stack_is_unavailable(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    client.specs.clear()
    with pytest.raises(StackUnavailableError, match=r"no stack named 'alertdrill' .* deploy it"):
        swarm.status()


def test_frozen_instance_is_stopped_and_replaced(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    client.states["t2"] = "paused"
    assert states(swarm)["web-2"] == "paused"
    swarm.restart("web-2", 0)
    assert client.changes == [("stop", "alertdrill_web.2.t2", 0)]
    assert states(swarm)["web-2"] == "ready"
    assert [row["ID"] for row in client.live("web")] == ["t1", "t4"]


@pytest.mark.parametrize(("grace", "seconds"), [(None, 25), (0.9, 0)])
def test_default_grace_is_the_services(
    swarm: SwarmRuntime, client: FakeSwarm, grace: float | None, seconds: int
) -> None:
    swarm.restart("web-1", grace)
    assert client.changes == [("stop", "alertdrill_web.1.t1", seconds)]


def test_container_that_has_ended_counts_as_stopped(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    client.specs["web"]["TaskTemplate"]["RestartPolicy"]["Delay"] = 0
    client.refusal = EngineError("no such container", 404)
    client.states["t2"] = "exited"
    client.rows[1]["Status"]["State"] = "starting"
    with pytest.raises(NotReadyError, match="web-2 is not ready"):
        swarm.restart("web-2", 0)
    client.refusal = EngineError("cannot stop container", 500)
    with pytest.raises(EngineError, match="cannot stop container"):
        swarm.restart("web-1", 0)


def test_unknown_instance_is_named(swarm: SwarmRuntime) -> None:
    with pytest.raises(UnknownTargetError, match="no instance named 'web-9'"):
        swarm.restart("web-9", 0)


def test_instance_on_another_node_is_refused(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    client.rows[1]["NodeID"] = "far"
    with pytest.raises(EngineError, match="web-2 runs on the node far"):
        swarm.restart("web-2", 0)
    assert client.changes == []


def test_pending_restart_times_out_with_its_reason(
    swarm: SwarmRuntime, client: FakeSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.specs["web"]["TaskTemplate"]["RestartPolicy"]["Delay"] = 0
    client.fate = ("preparing", "No such image: x")
    with pytest.raises(NotReadyError, match=r"^Timed out after 0 s: web-1 .*: No such image: x\.$"):
        swarm.restart("web-1", 0)


def test_scaling_out_keeps_the_other_tasks(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    assert scale(swarm, "web", 3) == ["web has 3 instances"]
    assert [row["ID"] for row in client.live("web")] == ["t1", "t2", "t4"]


def test_scaling_in_waits_until_tasks_have_ended(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    seen: list[Any] = []
    end = client.end

    def leave(task: dict[str, Any], state: str, wanted: str) -> None:
        task["DesiredState"] = wanted
        looks = client.tasks

        def tasks() -> list[dict[str, Any]]:
            seen.append(task["Status"]["State"])
            if len(seen) == 3:
                end(task, state, wanted=wanted)
            return looks()

        client.tasks = tasks  # type: ignore[method-assign]

    client.end = leave  # type: ignore[method-assign, assignment]
    scale(swarm, "web", 1)
    assert seen == ["running"] * 3


def test_failed_scale_out_is_undone(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    client.fate = ("pending", "no suitable node")
    with pytest.raises(NotReadyError, match=r"web-3 is not ready: .*: no suitable node"):
        scale(swarm, "web", 3)
    assert client.changes == [("update", "id-web", 3), ("update", "id-web", 2)]


def test_unhealthy_instance_does_not_block_scaling(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    client.states["t1"] = "paused"
    scale(swarm, "web", 3)
    assert states(swarm)["web-1"] == "paused"


def test_same_replica_count_waits_for_starting_tasks(
    swarm: SwarmRuntime, client: FakeSwarm
) -> None:
    client.rows[1]["Status"]["State"] = "starting"
    with pytest.raises(NotReadyError, match="web-2 is not ready"):
        scale(swarm, "web", 2)
    assert client.changes == []


def test_replica_count_of_another_client_is_not_undone(
    swarm: SwarmRuntime, client: FakeSwarm
) -> None:
    def meanwhile() -> None:
        if client.changes:
            client.specs["web"]["Mode"] = {"Replicated": {"Replicas": 4}}

    client.before_look = meanwhile
    with pytest.raises(EngineError, match="Another client scaled web to 4"):
        scale(swarm, "web", 3)
    assert client.changes == [("update", "id-web", 3)]


@pytest.mark.parametrize(("service", "count"), [("web", 0), ("web", 5), ("lb", 1)])
def test_invalid_replica_count_changes_nothing(
    swarm: SwarmRuntime, client: FakeSwarm, service: str, count: int
) -> None:
    with pytest.raises(AlertdrillError, match="scale"):
        scale(swarm, service, count)
    assert client.changes == []


def test_service_that_is_not_deployed_is_named(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    del client.specs["web"]
    with pytest.raises(UnknownTargetError, match="no service named 'web' in this Swarm"):
        scale(swarm, "web", 3)


def test_replica_count_of_another_client_is_kept(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    assert swarm._set_replicas(swarm._service("web"), 1, instead_of=4) == 2
    assert client.changes == []


def test_conflict_is_retried(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    client.conflicts = MAX_ATTEMPTS - 1
    scale(swarm, "web", 3)
    assert client.changes == [("update", "id-web", 3)]
    client.conflicts = MAX_ATTEMPTS
    with pytest.raises(EngineError, match="Others keep changing web"):
        scale(swarm, "web", 2)


def test_global_service_cannot_be_scaled(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    client.specs["web"]["Mode"] = {"Global": {}}
    with pytest.raises(EngineError, match="not a replicated service"):
        scale(swarm, "web", 3)


def test_containers_health_refines_its_state(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    client.states = {"t1": "running (unhealthy)", "t2": "running (healthy)"}
    assert (states(swarm)["web-1"], states(swarm)["web-2"]) == ("unready", "ready")


def test_restart_of_a_removed_instance_is_an_error(swarm: SwarmRuntime, client: FakeSwarm) -> None:
    def meanwhile() -> None:
        if client.changes:
            client.specs["web"]["Mode"] = {"Replicated": {"Replicas": 1}}
            client.end(client.rows[3])

    client.before_look = meanwhile
    with pytest.raises(EngineError, match="no longer runs web-2"):
        swarm.restart("web-2", 0)


def test_scaling_in_waits_until_the_slots_are_gone(
    swarm: SwarmRuntime, client: FakeSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "end", lambda *_, **__: None)
    with pytest.raises(NotReadyError, match="web has 2 tasks, not 1"):
        scale(swarm, "web", 1)
