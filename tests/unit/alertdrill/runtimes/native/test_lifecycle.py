import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes import port_check, prometheus_tsdb
from alertdrill.runtimes.native import (
    configs,
    lifecycle,
    readiness,
    supervisor,
)
from alertdrill.runtimes.native.configs import ConfigError
from alertdrill.runtimes.native.context import NativeContext
from alertdrill.runtimes.native.processes import RenderContext
from alertdrill.toolchain.find import ResolvedPrograms
from tests.unit.alertdrill.runtimes.native.fakes import FakeLb, FakeSupervisor

MISSING = ("loki is not installed.",)


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def context(
    tmp_path: Path,
    render_context: RenderContext,
    messages: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """Return the context of a fake stack, whose processes do not run."""
    context: Any = NativeContext(StackSettings(tmp_path))
    context.supervisor, context.lb = FakeSupervisor(messages), FakeLb(messages)
    context.locate = lambda on_progress: ResolvedPrograms(render_context.programs, MISSING)

    def start(layout: object) -> None:
        messages.append("supervisord")
        context.supervisor.running = True
        context.supervisor.states = {
            process.name: "STOPPED" for process in context.plan(context.locate(None)).processes
        }

    monkeypatch.setattr(supervisor, "start", start)
    monkeypatch.setattr(configs, "check", lambda *_: messages.append("check"))
    monkeypatch.setattr(port_check, "check", lambda _: messages.append("ports"))
    monkeypatch.setattr(readiness, "wait_until_ready", lambda *_: messages.append("wait"))
    monkeypatch.setattr(supervisor, "find_processes", lambda _: [])
    monkeypatch.setattr(
        supervisor, "terminate_processes", lambda left: messages.append(f"end {len(left)}")
    )
    monkeypatch.setattr(
        supervisor,
        "signal_instance",
        lambda _, number: messages.append(signal.Signals(number).name),
    )
    return context


def up(context: Any) -> Any:
    return lifecycle.up(context, lambda _: None)


def test_up_checks_before_it_starts(context: Any, messages: list[str]) -> None:
    assert up(context) == MISSING
    assert messages[:3] == ["ports", "check", "supervisord"]
    assert messages.index("wait") > messages.index("start prometheus-1")


def test_up_does_not_start_standby_instances(context: Any, messages: list[str]) -> None:
    up(context)
    assert {"start web-2", "maint web-3", "maint web-4", "maint data-service-3"} <= set(messages)
    assert "start web-3" not in messages
    assert [word for word in messages if word.startswith("maint lb")] == []


def test_second_up_starts_stopped_processes(context: Any, messages: list[str]) -> None:
    up(context)
    context.supervisor.states["web-1"] = "FATAL"
    messages.clear()
    up(context)
    assert messages == ["start web-1", "wait"]


def test_second_up_keeps_the_replica_counts(context: Any, messages: list[str]) -> None:
    up(context)
    context.replicas.set("web", 3)
    up(context)
    assert context.replicas.get("web") == 3
    assert "start web-3" in messages


def test_changed_settings_restart_the_stack(
    context: Any, messages: list[str], tmp_path: Path
) -> None:
    up(context)
    context.replicas.set("web", 3)
    context.settings = StackSettings(tmp_path, retention="1d")
    messages.clear()
    up(context)
    assert messages.index("shutdown") < messages.index("supervisord")
    assert "--storage.tsdb.retention.time=1d" in context.layout.supervisor_config.read_text()
    assert context.replicas.get("web") == 2


@pytest.mark.parametrize("error", [ConfigError("broken"), KeyboardInterrupt()])
def test_failed_start_leaves_nothing(
    context: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(readiness, "wait_until_ready", fail)
    with pytest.raises(type(error)):
        up(context)
    assert messages[-1] == "shutdown"
    assert not context.supervisor.is_running()


def test_broken_configuration_starts_nothing(
    context: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ConfigError("broken")

    monkeypatch.setattr(configs, "check", fail)
    with pytest.raises(ConfigError):
        up(context)
    assert messages == ["ports"]


@pytest.fixture
def ephemeral(
    context: Any, tmp_path: Path, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Return the context of an ephemeral stack at speed 12."""
    context.settings = StackSettings(tmp_path, speed=12.0, ephemeral=True)
    monkeypatch.setattr(prometheus_tsdb, "write_markers", lambda *_: messages.append("marks"))
    return context


def test_ephemeral_stack_starts_without_data(ephemeral: Any, messages: list[str]) -> None:
    old = ephemeral.layout.data / "prometheus" / "wal" / "00000000"
    old.parent.mkdir(parents=True)
    old.touch()
    up(ephemeral)
    assert not old.exists()
    assert messages[:4] == ["ports", "check", "marks", "supervisord"]


def test_ephemeral_stack_has_its_speed(ephemeral: Any) -> None:
    up(ephemeral)
    rendered = (ephemeral.layout.etc / "prometheus" / "prometheus.yml").read_text()
    assert "scrape_interval: 417ms" in rendered


def test_normal_stack_keeps_its_data(context: Any, messages: list[str]) -> None:
    old = context.layout.data / "prometheus" / "wal"
    old.mkdir(parents=True)
    up(context)
    assert old.exists()
    assert "marks" not in messages


def test_down_deletes_the_scratch_folder(context: Any) -> None:
    up(context)
    context.layout.scratch.mkdir()
    (context.layout.scratch / "grown").touch()
    lifecycle.down(context, lambda _: None)
    assert not context.layout.scratch.exists()


def test_lb_stops_before_the_services(context: Any, messages: list[str]) -> None:
    up(context)
    messages.clear()
    lifecycle.down(context, lambda _: None)
    ends = messages.index("stop lb-1")
    assert messages[ends : ends + 2] == ["stop lb-1", "stop the rest"]
    assert messages[-1] == "shutdown"
    # Both instances of each service, which may be paused, and drain quickly.
    assert messages[ends + 2 : -1] == ["SIGCONT", "SIGQUIT"] * 2 * len(SERVICES)


def test_healing_stops_first(context: Any, messages: list[str]) -> None:
    up(context)
    messages.clear()
    lifecycle.down(context, lambda _: None)
    ends = messages.index("stop responder-1 control-1")
    assert messages[:ends] == ["stop the rest", *["SIGCONT", "SIGQUIT"] * 2]
    assert messages[ends + 1] == "stop lb-1"


def test_stack_of_an_earlier_version_is_stopped(context: Any, messages: list[str]) -> None:
    up(context)
    del context.supervisor.states["control-1"]
    messages.clear()
    lifecycle.down(context, lambda _: None)
    assert "stop responder-1" in messages


def test_down_waits_for_a_drain(context: Any, messages: list[str]) -> None:
    up(context)
    lock = NativeContext(context.settings).lock()
    lock.__enter__()
    other = threading.Timer(0.3, lock.__exit__, (None, None, None))
    other.start()
    lifecycle.down(context, lambda _: None)
    other.join()
    assert messages[-1] == "shutdown"


def test_up_writes_the_control_apis_settings(context: Any) -> None:
    up(context)
    assert (
        StackSettings.from_dict(json.loads(context.layout.stack.read_text())).home
        == context.settings.home
    )
    for file in (context.layout.control_token, context.layout.responder_token):
        assert file.stat().st_mode & 0o777 == 0o600
    assert context.layout.control_token.read_text() != context.layout.responder_token.read_text()


def test_changed_heal_label_restarts_the_stack(
    context: Any, messages: list[str], tmp_path: Path
) -> None:
    up(context)
    messages.clear()
    context.settings = StackSettings(tmp_path, heal={"web": False})
    up(context)
    assert "shutdown" in messages


def test_down_stops_leftover_processes(
    context: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    context.layout.make()
    sockets = [context.layout.supervisor_socket, context.layout.lb_socket]
    for socket in sockets:
        socket.touch()
    monkeypatch.setattr(
        supervisor, "find_processes", lambda home: [1, 2] if home == context.process_tag else []
    )
    progress: list[str] = []
    lifecycle.down(context, progress.append)
    assert messages == ["end 2"]
    assert progress == ["stopping 2 leftover processes"]
    assert not any(socket.exists() for socket in sockets)


def test_down_without_a_stack_creates_nothing(tmp_path: Path) -> None:
    context = NativeContext(StackSettings(tmp_path / "never"))
    lifecycle.down(context, lambda _: None)
    assert not (tmp_path / "never").exists()


def test_check_does_not_change_the_stack(
    context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def check(layout: Any, *_: object) -> None:
        assert (layout.targets / "services.json").exists()
        seen.append(layout.home)

    monkeypatch.setattr(configs, "check", check)
    before = sorted(tmp_path.rglob("*"))
    lifecycle.check(context, lambda _: None)
    assert sorted(tmp_path.rglob("*")) == before
    assert [home.exists() for home in seen] == [False]


def test_wanted_ports_name_their_variables(
    context: Any,
    render_context_with: Callable[..., RenderContext],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    calls: dict[tuple[str, int], str] = {}
    monkeypatch.setattr(port_check, "check", calls.update)
    context.settings = StackSettings(tmp_path, lb_address="192.0.2.7")
    up(context)
    assert calls["192.0.2.7", 8080] == "LB_PORT"
    assert calls["127.0.0.1", 8081] == "LB_INTERNAL_PORT"
    assert calls["127.0.0.1", 13133] == "COLLECTOR_HEALTH_PORT"
    assert calls["127.0.0.1", 15204] == "INSTANCES_PORT"
    assert {address for address, _ in calls} == {"192.0.2.7", "127.0.0.1"}
