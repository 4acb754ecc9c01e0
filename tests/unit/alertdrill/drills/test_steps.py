from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills import faults, steps
from alertdrill.drills.drill import FaultSpec
from alertdrill.drills.kinds import KINDS
from tests.unit.alertdrill.drills.api import Api
from tests.unit.alertdrill.drills.fakes import FakeRuntime, FakeTraffic, instance


def test_last_is_undone_first(runtime: Any) -> None:
    assert steps.perform(runtime, [("start", "web"), ("relist",), ("resume", "lb")]) == []
    assert runtime.asked == [("resume", "lb"), ("relist",), ("start", "web")]


def test_failure_does_not_stop_rest(runtime: Any, tmp_path: Path) -> None:
    runtime.refuses = {"resume"}
    undo = [("start", "web"), ("resume", "lb"), ("remove", str(tmp_path))]
    failures = steps.perform(runtime, undo)
    assert [failure.partition(":")[0] for failure in failures] == [
        f"remove {tmp_path}",
        "resume lb",
    ]
    assert failures[1] == "resume lb: No resume today."
    assert runtime.asked[-1] == ("start", "web")


def test_unknown_step_does_not_stop_rest(runtime: Any) -> None:
    assert len(steps.perform(runtime, [("start", "web"), ("unheard-of",)])) == 1
    assert runtime.asked == [("start", "web")]


def test_configuration_is_taken_back(runtime: Any) -> None:
    assert steps.perform(runtime, [("configure", "prometheus", "rules.d/drill.yml")]) == []
    assert runtime.asked == [("configure", "prometheus", "rules.d/drill.yml", None)]


def test_file_may_be_removed_twice(runtime: Any, tmp_path: Path) -> None:
    file = tmp_path / "drill.fill"
    file.write_text("x")
    for _ in range(2):
        assert steps.perform(runtime, [("remove", str(file))]) == []
    assert not file.exists()


def test_target_is_service_or_instance(runtime: Any) -> None:
    runtime.found = [
        instance("web-1", "a:1"),
        instance("web-2", "a:2"),
        instance("web-3", "a:3", state="standby", pid=None),
        instance("data-service-1", "a:4"),
    ]
    assert steps.addresses(runtime, "web") == ["a:1", "a:2"]
    assert steps.addresses(runtime, "web-2") == ["a:2"]
    assert steps.addresses(runtime, "data-service") == ["a:4"]
    assert steps.addresses(runtime, "gone") == []


def test_faults_are_switched_off_everywhere(runtime: Any, api: Api) -> None:
    # The first is gone, and its faults with it.
    runtime.found = [instance("web-1", "127.0.0.1:1"), instance("web-2", api.address)]
    api.answers["/faults/errors"] = {}
    assert steps.perform(runtime, [("faults_off", "web", "errors")]) == []
    (asked,) = api.asked
    assert (asked.method, asked.path, asked.token) == ("DELETE", "/faults/errors", "the-token")


def test_refused_switch_off_is_told(runtime: Any, api: Api) -> None:
    runtime.found = [instance("web-1", api.address)]
    api.answers["/faults/errors"] = 500
    assert len(steps.perform(runtime, [("faults_off", "web", "errors")])) == 1


def test_healing_goes_on_by_token(runtime: Any, api: Api) -> None:
    runtime.urls["responder"] = api.url
    api.answers["/resume"] = {}
    assert steps.perform(runtime, [("heal",)]) == []
    (asked,) = api.asked
    assert (asked.method, asked.path, asked.token) == ("POST", "/resume", "the-responders-token")


def test_responder_that_refuses_is_told(runtime: Any, api: Api) -> None:
    runtime.urls["responder"] = api.url
    api.answers["/resume"] = 401
    assert steps.perform(runtime, [("heal",)]) == [f"heal : {api.url}/resume answers 401."]
    api.close()
    (failure,) = steps.perform(runtime, [("heal",)])
    assert failure.startswith(f"heal : {api.url}/resume does not answer: ")


@pytest.mark.parametrize(
    ("serve", "asked"), [(3, [("scale", "web", 2)]), (2, []), (1, [("scale", "web", 2)])]
)
def test_scale_goes_back_once(runtime: Any, serve: int, asked: list[object]) -> None:
    runtime.found = [instance(f"web-{n}") for n in range(1, serve + 1)]
    runtime.found += [instance("web-4", state="standby", pid=None), instance("data-service-1")]
    assert steps.perform(runtime, [("scale", "web", "2")]) == []
    assert runtime.asked == asked


@pytest.mark.parametrize("kind", KINDS)
def test_every_undo_can_be_performed(kind: str, tmp_path: Path, api: Api) -> None:
    runtime: Any = FakeRuntime(tmp_path)
    runtime.urls["responder"] = api.url
    api.answers["/resume"] = {}
    traffic: Any = FakeTraffic()
    parameters = {"component": "prometheus", "where": "host"}
    spec = FaultSpec(kind, "web", parameters)
    undo = faults.make(spec, faults.Scene(runtime, traffic, "run", 1.0)).undo
    assert all(step[0] in steps.ACTIONS for step in undo)
    assert steps.perform(runtime, undo) == []
