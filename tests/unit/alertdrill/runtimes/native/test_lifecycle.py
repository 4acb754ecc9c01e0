import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.clients import http
from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings
from alertdrill.runtimes import port_check, service_code
from alertdrill.runtimes.errors import StackUnavailableError
from alertdrill.runtimes.native import configs, tagged_processes
from alertdrill.runtimes.native.configs import ConfigError
from alertdrill.runtimes.native.runtime import NativeRuntime
from alertdrill.runtimes.native.tagged_processes import NAME_VARIABLE
from alertdrill.runtimes.prometheus_tsdb import TsdbStore
from tests.unit.alertdrill.runtimes.native.conftest import MISSING

# A master and its worker have the same.
NAMES = ["web-2", "web-1", "web-1"]


def ignore(_: str) -> None:
    pass


def failing(error: BaseException) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_up_checks_before_it_starts(runtime: Any, messages: list[str]) -> None:
    assert tuple(runtime.up(ignore)) == MISSING
    assert messages[:3] == ["ports", "check", "supervisord"]
    assert messages.index("wait web-1") > messages.index("start prometheus-1")


def test_up_does_not_start_standby_instances(runtime: Any, messages: list[str]) -> None:
    runtime.up(ignore)
    assert {"start web-2", "maint web/web-3", "maint data-service/data-service-3"} <= set(messages)
    assert "start web-3" not in messages
    assert [message for message in messages if message.startswith("maint lb")] == []


def test_second_up_starts_stopped_processes(running: Any, messages: list[str]) -> None:
    running.supervisor.states["web-1"] = "FATAL"
    running.set_replicas("web", 3)
    running.up(ignore)
    assert [message for message in messages if not message.startswith("wait")] == [
        "start web-1",
        "start web-3",
        # It was on standby at the load balancer.
        "ready web/web-1",
        "ready web/web-3",
    ]
    assert {"wait web-1", "wait web-3"} <= set(messages)


@pytest.mark.parametrize("changed", [{"retention": "1d"}, {"log_level": "DEBUG"}])
def test_changed_settings_restart_the_stack(
    running: Any, messages: list[str], changed: dict[str, Any]
) -> None:
    running.set_replicas("web", 3)
    running.settings = replace(running.settings, **changed)
    running.up(ignore)
    assert messages.index("shutdown") < messages.index("supervisord")
    assert running.replicas()["web"] == 2


@pytest.mark.parametrize("error", [ConfigError("broken"), KeyboardInterrupt()])
def test_failed_start_leaves_nothing(
    runtime: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(http, "is_ready", failing(error))
    with pytest.raises(type(error)):
        runtime.up(ignore)
    assert messages[-1] == "shutdown"
    assert not runtime.supervisor.is_running()


def test_broken_configuration_starts_nothing(
    runtime: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configs, "check", failing(ConfigError("broken")))
    with pytest.raises(ConfigError):
        runtime.up(ignore)
    assert messages == ["ports"]


@pytest.fixture
def ephemeral(runtime: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the runtime of an ephemeral stack at speed 12."""
    runtime.settings = replace(runtime.settings, speed=12.0, ephemeral=True)
    monkeypatch.setattr(TsdbStore, "write_markers", lambda *_: messages.append("marks"))
    return runtime


def test_ephemeral_stack_starts_without_data(ephemeral: Any, messages: list[str]) -> None:
    old = ephemeral.layout.data / "prometheus" / "wal" / "00000000"
    old.parent.mkdir(parents=True)
    old.touch()
    ephemeral.up(ignore)
    assert not old.exists()
    assert messages[:4] == ["ports", "check", "marks", "supervisord"]
    rendered = (ephemeral.layout.etc / "prometheus" / "prometheus.yml").read_text()
    assert "scrape_interval: 417ms" in rendered


def test_normal_stack_keeps_its_data(runtime: Any, messages: list[str]) -> None:
    old = runtime.layout.data / "prometheus" / "wal"
    old.mkdir(parents=True)
    runtime.up(ignore)
    assert old.exists()
    assert "marks" not in messages


def test_down_deletes_the_scratch_folder(running: Any) -> None:
    (running.scratch_folder() / "grown").touch()
    running.down(ignore)
    assert not running.layout.scratch.exists()


def test_healing_stops_first_and_the_lb_before_the_services(
    running: Any, messages: list[str]
) -> None:
    progress: list[str] = []
    running.down(progress.append)
    assert progress == ["stopping"]
    healers = messages.index("stop responder-1 control-1")
    quick = ["SIGCONT responder-1", "SIGQUIT responder-1", "SIGCONT control-1", "SIGQUIT control-1"]
    assert messages[:healers] == ["stop the rest", *quick]
    assert messages[healers + 1 : healers + 3] == ["stop lb-1", "stop the rest"]
    # Both instances of each service, which may be paused, and drain quickly.
    assert messages[healers + 3 :] == [
        *(
            f"{name} {service}-{number}"
            for service in SERVICES
            for number in (1, 2)
            for name in ("SIGCONT", "SIGQUIT")
        ),
        "shutdown",
    ]


def test_stack_of_an_earlier_version_is_stopped(running: Any, messages: list[str]) -> None:
    del running.supervisor.states["control-1"]
    running.down(ignore)
    assert "stop responder-1" in messages


def test_down_waits_for_a_drain(running: Any, messages: list[str]) -> None:
    lock = NativeRuntime(running.settings).lock()
    lock.__enter__()
    other = threading.Timer(0.3, lock.__exit__, (None, None, None))
    other.start()
    running.down(ignore)
    other.join()
    assert messages[-1] == "shutdown"


def test_up_writes_the_control_apis_settings(running: Any) -> None:
    layout = running.layout
    assert StackSettings.from_dict(json.loads(layout.stack.read_text())).home == (
        running.settings.home
    )
    secrets = (layout.control_token, layout.responder_token, layout.grafana_password)
    assert [file.stat().st_mode & 0o777 for file in secrets] == [0o600] * 3
    assert len({file.read_text() for file in secrets}) == 3


def test_up_tells_where_the_passwords_are(runtime: Any) -> None:
    progress: list[str] = []
    runtime.up(progress.append)
    home = runtime.layout.home
    assert progress[-2:] == [
        f"Alertmanager's password for `alertdrill`: cat {home}/alertmanager/password",
        f"Grafana's password for `admin`: cat {home}/grafana.password",
    ]


def test_down_stops_leftover_processes(
    runtime: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.layout.make()
    sockets = [runtime.layout.supervisor_socket, runtime.layout.lb_socket]
    for socket in sockets:
        socket.touch()
    left = [SimpleNamespace(info={"environ": {"SUPERVISOR_PROCESS_NAME": name}}) for name in NAMES]
    home = str(runtime.layout.home)
    monkeypatch.setattr(tagged_processes, "find_processes", {home: left}.__getitem__)
    monkeypatch.setattr(
        tagged_processes, "terminate_processes", lambda left: messages.append(f"end {len(left)}")
    )
    runtime.down(messages.append)
    assert messages == ["stopping leftover processes: web-1 (2), web-2", "end 3"]
    assert not any(socket.exists() for socket in sockets)


@pytest.fixture
def left(running: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the processes that have outlived a killed supervisord."""
    names = ["web-1", "lb-1"]

    def find(_: str) -> list[Any]:
        return [
            SimpleNamespace(
                pid=number, info={"environ": {NAME_VARIABLE: name}}, create_time=lambda: 0.0
            )
            for number, name in enumerate(names, 1)
        ]

    monkeypatch.setattr(tagged_processes, "find_processes", find)
    monkeypatch.setattr("os.getpgid", lambda pid: pid)
    monkeypatch.setattr(tagged_processes, "is_paused", lambda _: False)
    running.supervisor.states = {}
    return names


def test_up_starts_a_killed_supervisord_without_a_restart(
    running: Any, left: list[str], messages: list[str]
) -> None:
    progress: list[str] = []
    running.up(progress.append)
    assert progress[0] == "supervisord does not answer: a new one adopts 2 processes"
    assert messages[0] == "supervisord"
    assert not {"ports", "shutdown", "stop the rest"} & set(messages)


def test_up_with_other_settings_ends_what_a_killed_supervisord_left(
    running: Any, left: list[str], messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def terminate(_: object) -> None:
        messages.append("end")
        left.clear()

    monkeypatch.setattr(tagged_processes, "terminate_processes", terminate)
    running.settings = replace(running.settings, retention="1d")
    running.up(ignore)
    assert messages[:4] == ["end", "ports", "check", "supervisord"]


def test_status_without_supervisord_has_what_still_serves(running: Any, left: list[str]) -> None:
    states = {instance.name: instance.state for instance in running.status()}
    assert {
        "web-1": "ready",
        "web-2": "stopped",
        "web-3": "standby",
        "lb-1": "ready",
        "supervisord-1": "failed",
    }.items() <= states.items()
    with pytest.raises(StackUnavailableError, match="supervisord does not answer: start it"):
        running.stop("web-1")


def test_status_has_supervisord(running: Any) -> None:
    [supervisor] = [row for row in running.status() if row.name == "supervisord-1"]
    assert (supervisor.state, supervisor.service, supervisor.pid) == (
        *("ready", "supervisord", os.getpid()),
    )


def test_down_without_a_stack_creates_nothing(tmp_path: Path) -> None:
    NativeRuntime(StackSettings(tmp_path / "never")).down(ignore)
    assert not (tmp_path / "never").exists()


def test_check_does_not_change_the_stack(
    runtime: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def check(plan: Any, _: object) -> None:
        [directory] = [process.directory for process in plan.of("prometheus")]
        assert (directory / "targets" / "services.json").exists()
        seen.append(directory)

    monkeypatch.setattr(configs, "check", check)
    before = sorted(tmp_path.rglob("*"))
    runtime.check(ignore)
    assert sorted(tmp_path.rglob("*")) == before
    assert [folder.exists() for folder in seen] == [False]


def test_checked_ports_name_their_variables(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: dict[tuple[str, int], str] = {}
    monkeypatch.setattr(port_check, "check", calls.update)
    runtime.settings = replace(runtime.settings, lb_address="192.0.2.7")
    runtime.up(ignore)
    assert calls["192.0.2.7", 8080] == "LB_PORT"
    assert calls["127.0.0.1", 8081] == "LB_INTERNAL_PORT"
    assert calls["127.0.0.1", 13133] == "COLLECTOR_HEALTH_PORT"
    assert calls["127.0.0.1", 15204] == "INSTANCES_PORT"
    assert calls["127.0.0.1", 15254] == "INSTANCES_PORT"
    assert calls["127.0.0.1", 8140] == "RESPONDER_OPS_PORT"
    assert {address for address, _ in calls} == {"192.0.2.7", "127.0.0.1"}


def test_interrupted_restart_leaves_nothing_stopped(
    running: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = running.supervisor.stop

    def interrupt(*names: str, **options: Any) -> None:
        monkeypatch.setattr(running.supervisor, "stop", stop)
        raise KeyboardInterrupt

    monkeypatch.setattr(running.supervisor, "stop", interrupt)
    with pytest.raises(KeyboardInterrupt):
        running.restart("web")
    assert messages == ["stop web-1", "start web-1"]


def test_services_with_new_code_are_renewed(
    running: Any, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"web": 5.0, "data-service": 0.0}
    monkeypatch.setattr(service_code, "last_change", lambda service: changes[service.name])
    running.up(ignore)
    assert {"stop web-1", "start web-1", "stop web-2", "start web-2"} <= set(messages)
    assert "stop data-service-1" not in messages
