from datetime import UTC, datetime

import pytest

from alertdrill.runtimes.engine import NS_PER_SECOND
from alertdrill.runtimes.errors import EngineError
from alertdrill.runtimes.swarm.tasks import (
    Service,
    Slot,
    Task,
    make_slots,
)


def service(replicas: int | None = 2, condition: str = "any") -> Service:
    mode = {"Global": {}} if replicas is None else {"Replicated": {"Replicas": replicas}}
    return Service(
        id="s1",
        full_name="alertdrill_web",
        project="alertdrill",
        mode=mode,
        heal="1",
        condition=condition,
    )


WEB = service()
EARLY = datetime.fromtimestamp(100, UTC)


def task(
    id_: str,
    slot: str,
    state: str = "running",
    *,
    should_run: bool = True,
    created_at: float = 0.0,
    error: str = "",
    of: str = "s1",
    pid: int = 7,
) -> Task:
    return Task(
        id=id_,
        service=of,
        number=int(slot) if slot.isdecimal() else 0,
        node="far" if slot.isdecimal() else slot,
        desired_state="running" if should_run else "shutdown",
        state=state,
        error=error,
        pid=pid,
        created_at=datetime.fromtimestamp(created_at, UTC),
        state_since=EARLY,
    )


def states(*tasks: Task, service: Service = WEB) -> dict[str, str]:
    return {slot.name: slot.state for slot in make_slots(service, tasks, {})}


def test_empty_spec_means_swarms_defaults() -> None:
    labels = {"com.docker.stack.namespace": "alertdrill"}
    spec = {"Name": "alertdrill_data-service", "Labels": labels, "Mode": {"Replicated": {}}}
    empty: dict[str, object] = {"TaskTemplate": {"ContainerSpec": {}, "RestartPolicy": None}}
    parsed = Service.model_validate({"ID": "s1", "Spec": {**spec, **empty}})
    assert (parsed.name, parsed.replicas, parsed.condition) == ("data-service", 1, "any")
    assert (parsed.grace_ns, parsed.delay_ns) == (10 * NS_PER_SECOND, 5 * NS_PER_SECOND)


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
    assert task("a", "1", state).model_copy(update={"desired_state": wanted}).live is live


def test_slots_are_instances() -> None:
    [slot] = make_slots(service(1), [task("t9", "1")], {})
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
    tasks = [task(number, number) for number in ("10", "2", "1")]
    assert list(states(*tasks, service=service(3))) == [*("web-1", "web-2", "web-10")]


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
    listed = make_slots(WEB, [task("a", "1"), given_up], {})
    assert [(slot.name, slot.state) for slot in listed] == [("web-1", "ready"), ("web-4", "failed")]
    assert listed[1].swarm_state == "failed: No such image: x"


def test_slot_without_a_task_yet_is_starting() -> None:
    assert states(task("a", "1"), task("b", "3"), service=service(3)) == {
        "web-1": "ready",
        "web-2": "starting",
        "web-3": "ready",
    }


def test_running_task_wins_during_an_update() -> None:
    old, new = task("a", "1"), task("b", "1", "starting", created_at=5.0)
    [slot] = make_slots(service(1), [old, new], {})
    assert (slot.task, slot.state) == (old, "ready")


def test_newest_past_task_gives_the_error() -> None:
    leaving = task("a", "1", should_run=False, error="old")
    failed = task("b", "1", "failed", should_run=False, created_at=5.0, error="new")
    [slot] = make_slots(service(1), [failed, leaving], {})
    assert slot.swarm_state == "failed: new"


def test_global_service_has_no_missing_slots() -> None:
    everywhere = service(None)
    assert states(task("a", "node-a"), service=everywhere) == {"web-node-a": "ready"}


def test_tasks_of_other_services_are_left_out() -> None:
    assert states(task("a", "1", of="s2"), service=service(0)) == {}


@pytest.mark.parametrize(
    ("state", "container", "expected"),
    [
        ("running", "", "ready"),
        ("running", "running", "ready"),
        ("running", "paused", "paused"),
        ("running", "unhealthy", "unready"),
        ("running", "exited", "unready"),
        ("starting", "paused", "paused"),
        ("starting", "running", "starting"),
    ],
)
def test_containers_state_refines_the_tasks(state: str, container: str, expected: str) -> None:
    assert Slot(WEB, "1", task("a", "1", state), container).state == expected


def test_own_error_precedes_past_errors() -> None:
    past = task("a", "1", "failed", error="exit (1).")
    waits = task("b", "1", "pending", error="no suitable node")
    assert Slot(WEB, "1", waits, "", past).swarm_state == "pending: no suitable node"
    waits = task("b", "1", "pending")
    assert Slot(WEB, "1", waits, "", past).swarm_state == "pending: exit (1)"
    assert Slot(WEB, "1", None).swarm_state == "no task yet"


@pytest.mark.parametrize(
    ("slot", "message"),
    [
        (Slot(WEB, "1", task("a", "1")), r"on the node far, .* update --force alertdrill_web"),
        (
            Slot(WEB, "1", task("a", "1", "pending", error="no suitable node", pid=0)),
            r"no container to restart: .* pending: no suitable node",
        ),
        (
            Slot(service(condition="on-failure"), "1", task("a", "1"), "running"),
            "condition 'on-failure', but a restart needs 'any'",
        ),
    ],
)
def test_impossible_restart_is_refused(slot: Slot, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        slot.check_restart()
    Slot(WEB, "1", task("a", "1"), "paused").check_restart()
