from typing import Any

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.compose.errors import NotReadyError, UnknownTargetError
from alertdrill.runtimes.errors import StackUnavailableError
from alertdrill.runtimes.swarm import SwarmRuntime
from alertdrill.runtimes.swarm.errors import SwarmError
from tests.unit.alertdrill.runtimes.swarm.conftest import FakeClient


def scale(swarm: SwarmRuntime, service: str, count: int) -> list[str]:
    lines: list[str] = []
    swarm.scale(service, count, lines.append)
    return lines


def states(swarm: SwarmRuntime) -> dict[str, str]:
    return {one.name: one.state for one in swarm.status()}


def test_every_task_is_an_instance(swarm: SwarmRuntime) -> None:
    assert [(one.name, one.state, one.heals) for one in swarm.status()] == [
        ("web-1", "ready", True),
        ("web-2", "ready", True),
        ("data-service-1", "ready", False),
    ]


def test_absent_stack_is_away(swarm: SwarmRuntime, client: FakeClient) -> None:
    client.specs.clear()
    with pytest.raises(StackUnavailableError):
        swarm.status()


def test_frozen_instance_is_ended_and_replaced(swarm: SwarmRuntime, client: FakeClient) -> None:
    client.states["t2"] = "paused"
    assert states(swarm)["web-2"] == "paused"
    swarm.restart("web-2", 0)
    assert client.asked == [("stop", "alertdrill_web.2.t2", 0)]
    assert states(swarm)["web-2"] == "ready"
    assert [one["ID"] for one in client.live("web")] == ["t1", "t4"]


def test_grace_is_the_services_own(swarm: SwarmRuntime, client: FakeClient) -> None:
    swarm.restart("web-1")
    assert client.asked == [("stop", "alertdrill_web.1.t1", 25)]


def test_unknown_instance_is_told(swarm: SwarmRuntime) -> None:
    with pytest.raises(UnknownTargetError, match="no instance named 'web-9'"):
        swarm.restart("web-9", 0)


def test_instance_elsewhere_is_left_alone(swarm: SwarmRuntime, client: FakeClient) -> None:
    client.rows[1]["NodeID"] = "far"
    with pytest.raises(SwarmError, match="web-2 runs on the node far"):
        swarm.restart("web-2", 0)
    assert client.asked == []


def test_one_that_stays_away_has_its_reason(
    swarm: SwarmRuntime, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.specs["web"]["TaskTemplate"]["RestartPolicy"]["Delay"] = 0
    client.fate = ("preparing", "No such image: x")
    with pytest.raises(NotReadyError, match=r"^Timed out after 0 s: web-1 .*: No such image: x\.$"):
        swarm.restart("web-1", 0)


def test_scaling_out_leaves_the_others_alone(swarm: SwarmRuntime, client: FakeClient) -> None:
    assert scale(swarm, "web", 3) == ["web has 3 instances"]
    assert [one["ID"] for one in client.live("web")] == ["t1", "t2", "t4"]


def test_scaling_in_waits_until_it_has_ended(swarm: SwarmRuntime, client: FakeClient) -> None:
    seen: list[Any] = []
    end = client.end

    def leave(task: dict[str, Any], state: str, wanted: str) -> None:
        task["DesiredState"] = wanted
        looks = client.tasks

        def tasks(filters: Any) -> list[dict[str, Any]]:
            seen.append(task["Status"]["State"])
            if len(seen) == 3:
                end(task, state, wanted=wanted)
            return looks(filters)

        client.tasks = tasks  # type: ignore[method-assign]

    client.end = leave  # type: ignore[method-assign, assignment]
    scale(swarm, "web", 1)
    assert seen == ["running"] * 3


def test_new_one_that_fails_is_wanted_no_more(swarm: SwarmRuntime, client: FakeClient) -> None:
    client.fate = ("pending", "no suitable node")
    with pytest.raises(NotReadyError, match=r"web-3 is not ready: .*: no suitable node"):
        scale(swarm, "web", 3)
    assert client.asked == [("update", "id-web", 3), ("update", "id-web", 2)]


def test_sick_one_does_not_hold_up_scaling(swarm: SwarmRuntime, client: FakeClient) -> None:
    client.states["t1"] = "paused"
    scale(swarm, "web", 3)
    assert states(swarm)["web-1"] == "paused"


def test_same_scale_waits_for_what_begins(swarm: SwarmRuntime, client: FakeClient) -> None:
    client.rows[1]["Status"]["State"] = "starting"
    with pytest.raises(NotReadyError, match="web-2 is not ready"):
        scale(swarm, "web", 2)
    assert client.asked == []


def test_scale_of_another_stays(swarm: SwarmRuntime, client: FakeClient) -> None:
    def meanwhile() -> None:
        if client.asked:
            client.specs["web"]["Mode"] = {"Replicated": {"Replicas": 4}}

    client.before_look = meanwhile
    with pytest.raises(SwarmError, match="Another client scaled web to 4"):
        scale(swarm, "web", 3)
    assert client.asked == [("update", "id-web", 3)]


@pytest.mark.parametrize(("service", "count"), [("web", 0), ("web", 5), ("lb", 1)])
def test_impossible_scale_asks_nobody(
    swarm: SwarmRuntime, client: FakeClient, service: str, count: int
) -> None:
    with pytest.raises(AlertdrillError, match="scale"):
        scale(swarm, service, count)
    assert client.asked == []


def test_service_that_is_not_deployed_is_told(swarm: SwarmRuntime, client: FakeClient) -> None:
    del client.specs["web"]
    with pytest.raises(UnknownTargetError, match="no service named 'web' in this Swarm"):
        scale(swarm, "web", 3)
