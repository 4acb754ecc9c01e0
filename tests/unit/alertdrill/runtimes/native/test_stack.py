from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alertdrill.clients import http
from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.errors import NotReadyError
from alertdrill.runtimes.native import stack as module
from alertdrill.runtimes.native.plan import Plan, Process
from alertdrill.runtimes.native.stack import NativeStack
from alertdrill.toolchain.find import ResolvedPrograms
from tests.http_server import FakeServer
from tests.unit.alertdrill.declared_services import redeclare


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NativeStack:
    redeclare(monkeypatch, "web", min=3)
    return NativeStack(StackSettings(tmp_path))


def test_secrets_are_random_private_and_stay_the_same(stack: NativeStack, tmp_path: Path) -> None:
    other = NativeStack(StackSettings(tmp_path / "other"))
    secrets = {
        file: owner.secret(file)
        for owner in (stack, other)
        for file in (owner.layout.faults_token, owner.layout.grafana_password)
    }
    assert len(set(secrets.values())) == 4
    assert {len(secret) for secret in secrets.values()} == {43}
    assert {file.stat().st_mode & 0o777 for file in secrets} == {0o600}
    assert {file: stack.secret(file) for file in secrets} == secrets


def test_lock_is_exclusive(stack: NativeStack) -> None:
    refusal = "Another alertdrill command, or the responder, is"
    with stack.lock(), pytest.raises(AlertdrillError, match=refusal):
        NativeStack(stack.settings).lock().__enter__()
    with stack.lock():
        pass


def test_plan_has_the_stacks_token(stack: NativeStack, programs: Any) -> None:
    plan = stack.plan(ResolvedPrograms(programs, ()))
    token = plan.of("web-1")[0].environment["FAULTS_TOKEN"]
    assert token == stack.secret(stack.layout.faults_token)


def test_cache_is_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []

    def locate(_: object, cache: Path, __: object) -> ResolvedPrograms:
        calls.append(cache)
        return ResolvedPrograms({}, ())

    monkeypatch.setattr(module, "resolve_programs", locate)
    monkeypatch.setenv("ALERTDRILL_CACHE", "/from/environment")
    NativeStack(StackSettings(tmp_path, cache=tmp_path / "mine")).locate()
    NativeStack(StackSettings(tmp_path)).locate()
    assert calls == [tmp_path / "mine", Path("/from/environment")]


def test_replica_count_is_the_settings_until_it_is_stored(stack: NativeStack) -> None:
    assert stack.replicas() == {**dict.fromkeys(SERVICES, 2), "web": 3}
    stack.set_replicas("web", 4)
    stack.set_replicas("data-service", 1)
    again = NativeStack(StackSettings(stack.settings.home)).replicas()
    assert (again["web"], again["data-service"]) == (4, 1)


def test_broken_file_means_the_settings(stack: NativeStack) -> None:
    stack.layout.make()
    stack.layout.replicas.write_text('{"web": ')
    assert stack.replicas()["web"] == 3
    stack.set_replicas("data-service", 1)
    assert (stack.replicas()["web"], stack.replicas()["data-service"]) == (3, 1)


def test_instances_above_the_replica_count_are_not_desired(stack: NativeStack, plan: Plan) -> None:
    stack.set_replicas("web", 1)
    standby = {
        process.name for process in plan.processes if process not in stack.desired(plan.processes)
    }
    others = {f"{name}-{number}" for name in SERVICES if name != "web" for number in (3, 4)}
    assert standby == {"web-2", "web-3", "web-4", *others}


@pytest.fixture
def states(stack: NativeStack, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the states of processes by name; the one with READY is ready."""
    states = {"web-1": "STARTING"}

    def processes() -> dict[str, dict[str, str]]:
        return {name: {"statename": state, "start": "0"} for name, state in states.items()}

    def is_ready(url: str, timeout: float) -> bool:
        return states["web-1"] == "READY"

    monkeypatch.setattr(stack.supervisor, "processes", processes)
    monkeypatch.setattr(http, "is_ready", is_ready)
    monkeypatch.setattr(module, "POLL_INTERVAL_S", 0)
    stack.layout.make()
    return states


def test_process_is_awaited_and_reported(
    stack: NativeStack, web: Process, states: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[str] = []
    answers = iter([False, False, True])
    monkeypatch.setattr(http, "is_ready", lambda *_: next(answers))
    stack.wait_until_ready([web], reported.append)
    assert (reported, list(answers)) == (["web-1 is ready"], [])


def test_failed_process_has_its_last_line(
    stack: NativeStack, web: Process, states: dict[str, str]
) -> None:
    (stack.layout.logs / "web-1.jsonl").write_text("first\nlast words\n\n")
    states["web-1"] = "FATAL"
    with pytest.raises(NotReadyError) as error:
        stack.wait_until_ready([web])
    assert str(error.value) == (
        "web-1 is not ready (see `make logs S=web-1`). Its last log line: last words"
    )
    (stack.layout.logs / "web-1.stderr.log").write_bytes(b"bad \xff port\n" + b"x" * 1000 + b"\n")
    with pytest.raises(NotReadyError, match=r"Its last log line: x{400}$"):
        stack.wait_until_ready([web])


def test_slow_process_without_output_is_named(
    stack: NativeStack,
    web: Process,
    states: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "READY_TIMEOUT_S", -1)
    with pytest.raises(NotReadyError, match=r"^web-1 is not ready \(see `make logs S=web-1`\)\.$"):
        stack.wait_until_ready([web])


def test_process_that_is_not_ready_has_its_own_answer(
    stack: NativeStack,
    web: Process,
    states: dict[str, str],
    server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.answers["/readyz"] = 503
    monkeypatch.setattr(module, "READY_TIMEOUT_S", -1)
    (stack.layout.logs / "web-1.jsonl").write_text("last words\n")
    with pytest.raises(NotReadyError) as error:
        stack.wait_until_ready([replace(web, ready=f"{server.url}/readyz")])
    assert str(error.value) == (
        "web-1 is not ready (see `make logs S=web-1`)."
        f" {server.url}/readyz answers 503: refused. Its last log line: last words"
    )
