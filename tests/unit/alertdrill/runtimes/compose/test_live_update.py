"""What has a new configuration reads it, and the load balancer keeps the states of its servers."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from alertdrill.runtimes.compose import live_update
from alertdrill.runtimes.errors import EngineError
from tests.unit.alertdrill.runtimes.fake_engine import FakeEngine


class FakeProject:
    """A Compose project whose containers have the texts of `files`."""

    def __init__(self, *containers: str) -> None:
        self.files: dict[str, str] = {}
        self.commands: list[str] = []
        self.engine: Any = FakeEngine(*containers)
        vars(self.engine)["read"] = lambda _, path: self.files.get(path)

    def docker(self, *arguments: str) -> str:
        self.commands.append(" ".join(arguments[:3]))
        return ""


def reload(project: Any, file: str) -> list[str]:
    """Change a file, reload, and return the commands."""
    before = live_update.configurations(project)
    project.files[f"/etc/alertdrill/{file}"] = "new"
    live_update.reload(project, before, lambda _: None)
    return list(project.commands)


@pytest.mark.parametrize(
    ("file", "commands"),
    [
        ("lb/backends.cfg", ["exec alertdrill-lb-1 perl", "kill --signal USR2"]),
        ("lb/public.map", ["exec alertdrill-lb-1 perl", "kill --signal USR2"]),
        ("prometheus/rules/services.yml", ["kill --signal HUP"]),
        ("prometheus/rules/availability.yml", ["kill --signal HUP"]),
        ("alertmanager/alertmanager.yml", ["kill --signal HUP"]),
        ("prometheus/prometheus.yml", []),
    ],
)
def test_only_a_changed_component_reloads(file: str, commands: list[str]) -> None:
    assert reload(FakeProject("lb-1", "prometheus-1", "alertmanager-1", "web-1"), file) == commands


def test_component_that_has_just_started_does_not_reload() -> None:
    project: Any = FakeProject("lb-1 exited")
    before = live_update.configurations(project)
    project.engine.add("lb-1")
    live_update.reload(project, before, lambda _: None)
    assert project.commands == []


def test_script_saves_what_the_socket_answers(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listener.settimeout(10)
        asked: list[bytes] = []

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(100))
                connection.sendall(b"1\n# be_id\nweb-1 $\n")

        thread = threading.Thread(target=answer)
        thread.start()
        state = tmp_path / "state"
        environment = {**os.environ, "LB_SOCKET": path, "LB_STATE": str(state)}
        command = ["perl", "-e", live_update.SAVE_STATE]
        subprocess.run(command, env=environment, check=True, timeout=10)
        thread.join(10)
    assert asked == [b"show servers state\n"]
    assert state.read_text() == "1\n# be_id\nweb-1 $\n"


def test_changed_port_is_refused() -> None:
    project: Any = FakeProject("web-1")
    inspect = project.engine.inspect
    project.engine.inspect = lambda name: {**inspect(name), "Config": {"Env": ["PORT=5000"]}}
    project.engine.running = lambda: FakeEngine("web-1").running()
    model = {"services": {"web": {"environment": {"PORT": "5000"}}}}
    live_update.require_same_ports(project, model, ["web"])
    model["services"]["web"]["environment"]["PORT"] = "5007"
    with pytest.raises(EngineError, match="web has another port now, 5007: run `make down` first"):
        live_update.require_same_ports(project, model, ["web"])
