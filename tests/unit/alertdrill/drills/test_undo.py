from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills import undo
from alertdrill.drills.faults.registry import KINDS, create
from alertdrill.drills.model import FaultSpec
from alertdrill.runtimes.base import running_addresses
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import PARAMETERS, make_context
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance


def test_last_step_is_undone_first(runtime: Any) -> None:
    assert undo.perform(runtime, [("start", "web"), ("restore_targets",), ("resume", "lb")]) == []
    assert runtime.calls == [("resume", "lb"), ("restore_targets",), ("start", "web")]


def test_failure_does_not_stop_the_rest(runtime: Any, tmp_path: Path) -> None:
    runtime.refuses = {"resume"}
    steps = [("start", "web"), ("resume", "lb"), ("remove_file", str(tmp_path))]
    failures = undo.perform(runtime, steps)
    assert [failure.partition(":")[0] for failure in failures] == [
        f"remove_file {tmp_path}",
        "resume lb",
    ]
    assert failures[1] == "resume lb: No resume today."
    assert runtime.calls[-1] == ("start", "web")


def test_unknown_step_does_not_stop_the_rest(runtime: Any) -> None:
    assert len(undo.perform(runtime, [("start", "web"), ("unheard-of",)])) == 1
    assert runtime.calls == [("start", "web")]


def test_configuration_is_restored(runtime: Any) -> None:
    assert undo.perform(runtime, [("restore_config", "prometheus", "rules.d/drill.yml")]) == []
    assert runtime.calls == [("restore_config", "prometheus", "rules.d/drill.yml")]


def test_file_may_be_removed_twice(runtime: Any, tmp_path: Path) -> None:
    file = tmp_path / "drill.fill"
    file.write_text("x")
    for _ in range(2):
        assert undo.perform(runtime, [("remove_file", str(file))]) == []
    assert not file.exists()


def test_target_is_service_or_instance(runtime: Any) -> None:
    runtime.running = [
        instance("web-1", "a:1"),
        instance("web-2", "a:2"),
        instance("web-3", "a:3", state="standby", pid=None),
        instance("data-service-1", "a:4"),
    ]
    assert list(running_addresses("web", runtime.status())) == ["a:1", "a:2"]
    assert list(running_addresses("web-2", runtime.status())) == ["a:2"]
    assert list(running_addresses("data-service", runtime.status())) == ["a:4"]
    assert list(running_addresses("gone", runtime.status())) == []


def test_fault_is_cleared_in_every_instance(runtime: Any, server: FakeServer) -> None:
    # The first instance is gone, and its faults with it.
    runtime.running = [instance("web-1", "127.0.0.1:1"), instance("web-2", server.address)]
    server.answers["/faults/errors"] = {}
    assert undo.perform(runtime, [("clear_fault", "web", "errors")]) == []
    (request,) = server.requests
    assert (request.method, request.path, request.token) == (
        "DELETE",
        "/faults/errors",
        "the-token",
    )


def test_refusal_to_clear_is_a_failure(runtime: Any, server: FakeServer) -> None:
    runtime.running = [instance("web-1", server.address)]
    server.answers["/faults/errors"] = 500
    assert len(undo.perform(runtime, [("clear_fault", "web", "errors")])) == 1


def test_healing_resumes_with_the_token(runtime: Any, server: FakeServer) -> None:
    runtime.urls["responder"] = server.url
    server.answers["/resume"] = {}
    assert undo.perform(runtime, [("resume_healing",)]) == []
    (request,) = server.requests
    assert (request.method, request.path, request.token) == (
        "POST",
        "/resume",
        "the-responders-token",
    )


def test_refusal_of_responder_is_a_failure(runtime: Any, server: FakeServer) -> None:
    runtime.urls["responder"] = server.url
    server.answers["/resume"] = 401
    assert undo.perform(runtime, [("resume_healing",)]) == [
        f"resume_healing : {server.url}/resume answers 401: refused"
    ]
    server.close()
    (failure,) = undo.perform(runtime, [("resume_healing",)])
    assert (
        failure
        == f"resume_healing : {server.url}/resume does not answer: check `alertdrill status`."
    )


@pytest.mark.parametrize(
    ("serving", "calls"), [(3, [("scale", "web", 2)]), (2, []), (1, [("scale", "web", 2)])]
)
def test_scale_is_restored_once(runtime: Any, serving: int, calls: list[object]) -> None:
    runtime.running = [instance(f"web-{n}") for n in range(1, serving + 1)]
    runtime.running += [instance("web-4", state="standby", pid=None), instance("data-service-1")]
    assert undo.perform(runtime, [("scale", "web", "2")]) == []
    assert runtime.calls == calls


@pytest.mark.parametrize("kind", KINDS)
def test_every_undo_can_be_performed(kind: str, tmp_path: Path, server: FakeServer) -> None:
    runtime: Any = FakeRuntime(tmp_path)
    runtime.urls["responder"] = server.url
    server.answers["/resume"] = {}
    spec = FaultSpec(kind=kind, target="web", parameters=PARAMETERS)
    steps = create(spec, make_context(runtime, tmp_path), 1.0).undo
    assert all(step[0] in undo.ACTIONS for step in steps)
    assert undo.perform(runtime, steps) == []
