"""What a stack does for a service before and while it starts, and when it does not start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alertdrill.clients import http
from alertdrill.config import ROOT
from alertdrill.config.services import SERVICES
from alertdrill.runtimes.errors import (
    NotReadyError,
    ServiceNotReadyError,
    StackUnavailableError,
    UnknownTargetError,
)
from alertdrill.runtimes.native import environments, service_command, stack
from alertdrill.runtimes.native.plan import Process
from alertdrill.runtimes.prometheus_tsdb import TsdbStore
from tests.unit.alertdrill.declared_services import redeclare

RELEASE = "release web: flask init-db"


def ignore(_: str) -> None:
    pass


@pytest.fixture
def released(messages: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let web have a release, which is only recorded."""
    redeclare(monkeypatch, "web", release="flask init-db")

    def run_to_end(process: Process, command: Sequence[str], *_: object) -> None:
        messages.append(f"release {process.service}: {' '.join(command)}")

    monkeypatch.setattr(service_command, "run_to_end", run_to_end)


@pytest.fixture
def failing_release(released: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise NotReadyError("flask: no such table (exit code 1).")

    monkeypatch.setattr(service_command, "run_to_end", fail)


@pytest.fixture
def unready(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the services that never become ready; nothing waits for them."""
    services = {"web"}
    owners = {process.ready: process.service for process in runtime.plan().processes}
    monkeypatch.setattr(http, "is_ready", lambda url, _: owners[url] not in services)
    monkeypatch.setattr(stack, "READY_TIMEOUT_S", -1)
    return services


@pytest.mark.usefixtures("released")
def test_release_runs_once_before_the_instances(runtime: Any, messages: list[str]) -> None:
    runtime.up(ignore)
    assert messages.count(RELEASE) == 1
    assert messages.index(RELEASE) < messages.index("start web-1")


@pytest.mark.usefixtures("released")
def test_release_runs_again_only_before_new_instances(running: Any, messages: list[str]) -> None:
    running.up(ignore)
    assert RELEASE not in messages
    running.supervisor.states["web-2"] = "FATAL"
    running.up(ignore)
    assert messages.index(RELEASE) < messages.index("start web-2")


@pytest.mark.usefixtures("failing_release")
def test_failed_release_stops_only_its_service(runtime: Any, messages: list[str]) -> None:
    with pytest.raises(ServiceNotReadyError) as error:
        runtime.up(ignore)
    assert str(error.value) == "web has no new instances: flask: no such table (exit code 1)."
    assert {"start data-service-1", "wait data-service-1", "wait lb-1"} <= set(messages)
    assert "start web-1" not in messages
    assert runtime.supervisor.is_running()


def test_service_that_is_not_ready_does_not_stop_the_others(
    runtime: Any, unready: set[str]
) -> None:
    progress: list[str] = []
    with pytest.raises(ServiceNotReadyError, match=r"^web-1 is not ready"):
        runtime.up(progress.append)
    assert {"data-service-1 is ready", "data-service-2 is ready"} <= set(progress)
    assert runtime.supervisor.is_running()


def test_each_service_that_is_not_ready_is_named(runtime: Any, unready: set[str]) -> None:
    unready.add("data-service")
    with pytest.raises(ServiceNotReadyError, match=r"web-1 is not .*data-service-1 is not ready"):
        runtime.up(ignore)


def test_service_that_the_load_balancer_refuses_is_named(
    runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_until(check: Callable[[], bool], what: str) -> None:
        if not check():
            raise NotReadyError(f"No {what}.")

    monkeypatch.setattr(runtime.lb, "is_up", lambda service, _: service != "web")
    monkeypatch.setattr(stack, "wait_until", wait_until)
    with pytest.raises(ServiceNotReadyError, match="the load balancer to mark web-1 as up"):
        runtime.up(ignore)
    assert runtime.supervisor.is_running()


def test_standby_instances_get_no_requests_beside_a_service_that_is_not_ready(
    runtime: Any, unready: set[str], messages: list[str]
) -> None:
    with pytest.raises(ServiceNotReadyError):
        runtime.up(ignore)
    assert {"maint web/web-3", "maint data-service/data-service-3"} <= set(messages)


def test_component_that_is_not_ready_leaves_nothing(runtime: Any, unready: set[str]) -> None:
    unready.add("prometheus")
    with pytest.raises(NotReadyError, match=r"^prometheus-1 is not ready"):
        runtime.up(ignore)
    assert not runtime.supervisor.is_running()


def test_volumes_and_generated_secrets_are_private_and_stay(
    runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    redeclare(monkeypatch, "web", volumes=["data"], secrets={"key": "generated"})
    runtime.up(ignore)
    files = runtime.layout.files_of(SERVICES["web"])
    key = runtime.layout.secret(SERVICES["web"], "key")
    before = key.read_text()
    assert len(before) >= 43
    assert (key.stat().st_mode & 0o777, Path(files["data"]).stat().st_mode & 0o777) == (
        *(0o600, 0o700),
    )
    kept = runtime.layout.volume("web", "data") / "kept"
    kept.touch()
    runtime.settings = replace(runtime.settings, log_level="DEBUG")  # a new start
    runtime.up(ignore)
    assert (key.read_text(), kept.exists()) == (before, True)


def test_ephemeral_stack_has_an_empty_volume(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    redeclare(monkeypatch, "web", volumes=["data"])
    monkeypatch.setattr(TsdbStore, "write_markers", lambda _: None)
    runtime.settings = replace(runtime.settings, ephemeral=True)
    volume = runtime.layout.volume("web", "data")
    volume.mkdir(parents=True)
    (volume / "old").touch()
    runtime.up(ignore)
    assert volume.is_dir()
    assert list(volume.iterdir()) == []


def test_missing_secret_of_the_operator_is_named(
    runtime: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    redeclare(monkeypatch, "web", secrets={"absent_in_tests": "provided"})
    with pytest.raises(StackUnavailableError) as error:
        runtime.up(ignore)
    assert str(error.value) == (
        f"web needs the secret absent_in_tests: write it to {ROOT}/secrets/web/absent_in_tests."
    )
    assert messages == []


@pytest.fixture
def prepared(messages: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Record for which services the requirements are installed."""
    monkeypatch.setattr(
        environments, "prepare", lambda service, *_: messages.append(f"prepare {service.name}")
    )


@pytest.mark.usefixtures("prepared", "released")
def test_requirements_are_installed_before_the_release(runtime: Any, messages: list[str]) -> None:
    runtime.up(ignore)
    assert messages.index("prepare web") < messages.index(RELEASE)
    assert "prepare data-service" in messages


@pytest.mark.usefixtures("prepared", "released")
def test_renewal_installs_and_releases_once(running: Any, messages: list[str]) -> None:
    running.renew("web", ignore)
    assert messages[:2] == ["prepare web", RELEASE]
    assert messages.count(RELEASE) == 1
    assert "start web-2" in messages


def test_failed_release_renews_nothing(
    running: Any, messages: list[str], request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("failing_release")
    with pytest.raises(NotReadyError, match="no such table"):
        running.renew("web", ignore)
    assert not any(message.startswith(("start web", "stop web")) for message in messages)


def test_command_of_a_service_has_its_files(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    redeclare(monkeypatch, "web", volumes=["data"], env={"DATA": "{data}"})
    assert runtime.execute("web", ["sh", "-c", 'touch "$DATA/made" && exit 3']) == 3
    assert (runtime.layout.volume("web", "data") / "made").exists()


def test_command_of_an_unknown_service_is_refused(runtime: Any) -> None:
    with pytest.raises(UnknownTargetError, match=r"no service named 'lb': use web, data-service"):
        runtime.execute("lb", ["true"])


@pytest.mark.parametrize(("is_ephemeral", "removed"), [(False, ["removed"]), (True, [])])
def test_ephemeral_stack_keeps_the_environments_of_the_users(
    runtime: Any, monkeypatch: pytest.MonkeyPatch, is_ephemeral: bool, removed: list[str]
) -> None:
    names: list[str] = []
    monkeypatch.setattr(environments, "remove_old", lambda: names.append("removed"))
    monkeypatch.setattr(runtime, "ephemeral", is_ephemeral)
    runtime.up(ignore)
    assert names == removed


def test_tests_of_a_service_have_its_files(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    command = 'sh -c \'test "$1" = -k && touch "$DATA/tested" && exit 4\' sh'
    redeclare(monkeypatch, "web", volumes=["data"], env={"DATA": "{data}"}, test=command)
    assert runtime.test("web", ["-k"]) == 4
    assert (runtime.layout.volume("web", "data") / "tested").exists()


def test_service_in_this_repository_is_tested_by_pytest(
    runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(runtime, "execute", lambda name, command: commands.append((name, *command)))
    runtime.test("data-service", ["-x"])
    [(name, _, *pytest_and_options, folder, option)] = commands
    assert (name, pytest_and_options[:2]) == ("data-service", ["-m", "pytest"])
    assert (folder, option) == ("tests/unit/apps/data_service", "-x")


def test_service_without_tests_is_told_where_to_write_them(
    runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    redeclare(monkeypatch, "web", path="../blog", app="blog:app")
    with pytest.raises(UnknownTargetError, match=r"^web has no tests: write them in tests/unit/"):
        runtime.test("web", [])
