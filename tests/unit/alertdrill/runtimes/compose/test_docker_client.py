import io
import tarfile
from typing import Any
from unittest.mock import Mock

import docker.errors
import pytest
import requests

from alertdrill.runtimes.compose.docker_client import DockerClient, read
from alertdrill.runtimes.errors import EngineError, StackUnavailableError


def details(**state: Any) -> dict[str, Any]:
    labels = {
        "com.docker.compose.service": "data-service",
        "com.docker.compose.container-number": "2",
    }
    defaults = {"Status": "running", "Pid": 7, "StartedAt": "2026-11-24T10:00:00.123456789Z"}
    return {
        "Name": "/alertdrill-data-service-2",
        "Config": {"Labels": labels},
        "State": {**defaults, **state},
    }


def test_container_is_parsed() -> None:
    container = read(details(Health={"Status": "healthy"}))
    assert (container.instance, container.state, container.health, container.pid) == (
        "data-service-2",
        "running",
        "healthy",
        7,
    )
    assert container.started == 1795514400.0


def test_container_that_never_ran_is_parsed() -> None:
    container = read(details(Status="created", Pid=0, StartedAt="0001-01-01T00:00:00Z"))
    assert (container.state, container.health, container.pid, container.started) == (
        "created",
        "none",
        None,
        0.0,
    )


def test_missing_engine_says_what_to_do() -> None:
    with pytest.raises(EngineError, match="start it, or use RUNTIME=native"):
        DockerClient("alertdrill", lambda: "tcp://127.0.0.1:9").containers()


def archive(text: str) -> list[bytes]:
    """Return a file as the engine sends it: a tar archive in chunks."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("scale.json")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))
    whole = packed.getvalue()
    return [whole[:700], whole[700:]]


def test_file_is_read_from_a_container() -> None:
    engine = DockerClient("alertdrill", lambda: "")
    client = engine._client = Mock()
    client.get_archive.return_value = (archive('{"web": 3}'), {})
    assert engine.read("alertdrill-prometheus-1", "/etc/scale.json") == '{"web": 3}'
    client.get_archive.side_effect = docker.errors.NotFound("no such file")
    assert engine.read("alertdrill-prometheus-1", "/etc/scale.json") is None
    client.get_archive.side_effect = docker.errors.APIError("no")
    with pytest.raises(EngineError, match="refused"):
        engine.read("alertdrill-prometheus-1", "/etc/scale.json")


def test_restart_rounds_grace_to_seconds() -> None:
    engine = DockerClient("alertdrill", lambda: "")
    client = engine._client = Mock()
    for grace in (0, 0.9, 7.5):
        engine.restart("alertdrill-web-1", grace)
    assert [call.kwargs["timeout"] for call in client.restart.call_args_list] == [0, 0, 7]


def test_silent_engine_is_unavailable() -> None:
    engine = DockerClient("alertdrill", lambda: "")
    client = engine._client = Mock()
    client.restart.side_effect = requests.ConnectionError
    with pytest.raises(StackUnavailableError, match="does not answer"):
        engine.restart("alertdrill-web-1", 0)


@pytest.mark.parametrize(("label", "healing_enabled"), [("1", True), ("true", True), ("0", False)])
def test_heal_label_is_one_or_true(label: str, healing_enabled: bool) -> None:
    container = details()
    assert not read(container).healing_enabled
    container["Config"]["Labels"]["alertdrill.heal"] = label
    assert read(container).healing_enabled is healing_enabled
