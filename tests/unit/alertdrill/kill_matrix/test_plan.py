import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.kill_matrix.plan import plan_rows
from tests.unit.alertdrill.fake_runtime import instance
from tests.unit.alertdrill.kill_matrix.samples import row

STACK = [
    instance("prometheus-1"),
    instance("web-1"),
    instance("web-2"),
    instance("web-3", state="standby", pid=None),
]


def test_every_component_has_every_fault_of_one_copy_and_of_all() -> None:
    rows = [(row.target, row.fault, row.copies, row.total) for row in plan_rows(STACK)]
    assert rows == [
        *(("prometheus", fault, 1, 1) for fault in ("kill", "stop", "pause")),
        *(("web-1", fault, 1, 2) for fault in ("kill", "stop", "pause")),
        *(("web", fault, 2, 2) for fault in ("kill", "stop", "pause")),
    ]


def test_supervisor_comes_last() -> None:
    rows = plan_rows(STACK, "supervisord")
    assert [row.is_supervisor for row in rows] == [False] * 9 + [True] * 3
    assert rows[-1].target == "supervisord"


def test_task_of_the_run_itself_is_not_broken() -> None:
    assert plan_rows([instance("drills-proxy-1")]) == []


@pytest.mark.parametrize(
    ("only", "targets"),
    [
        (["web"], ["web-1", "web"]),
        (["web-1"], ["web-1"]),
        (["web-1", "prometheus"], ["prometheus", "web-1"]),
        (["supervisord"], ["supervisord"]),
    ],
)
def test_only_selects_components_and_instances(only: list[str], targets: list[str]) -> None:
    rows = plan_rows(STACK, "supervisord", only=only, faults=["kill"])
    assert [row.target for row in rows] == targets


def test_unknown_component_is_refused() -> None:
    with pytest.raises(
        AlertdrillError, match=r"'wbe' is not a component.*use prometheus, web, web-1\."
    ):
        plan_rows(STACK, only=["wbe"])


def test_paused_process_is_resumed_and_others_are_started() -> None:
    assert row(fault="pause").undo_steps()[-1] == ("resume", "web-1")
    assert row(fault="stop").undo_steps()[-1] == ("start", "web-1")
    assert row(fault="kill").undo_steps()[-1] == ("start", "web-1")


def test_circuit_of_a_service_is_closed_after_its_rows() -> None:
    assert ("close_circuit", "web") in row().undo_steps()
    assert row(component="prometheus", target="prometheus").undo_steps() == [
        ("start", "prometheus")
    ]


def test_supervisor_is_resumed_or_the_stack_is_started_again() -> None:
    assert row(instances=(), fault="pause").undo_steps() == [("resume_supervisor",)]
    assert row(instances=(), fault="kill").undo_steps() == [("up",)]
