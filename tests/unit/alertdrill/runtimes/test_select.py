from pathlib import Path

import pytest

from alertdrill.config.settings import IN_NETWORK, StackSettings
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes import select
from alertdrill.runtimes.compose.in_network import InNetworkRuntime
from alertdrill.runtimes.select import (
    select_control_target,
    select_fault_target,
    select_running_stack,
    select_stack_runtime,
)
from alertdrill.runtimes.swarm.runtime import SwarmRuntime


@pytest.fixture(autouse=True)
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def docker(commands: Path, script: str) -> None:
    (commands / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (commands / "docker").chmod(0o755)


def messages(tmp_path: Path, runtime: str = "auto") -> list[str]:
    """Select the runtime, check that it is native, and return the progress messages."""
    lines: list[str] = []
    assert (
        select_stack_runtime(StackSettings(tmp_path, runtime=runtime), lines.append).name
        == "native"
    )
    return lines


def test_compose_is_selected_if_an_engine_answers(tmp_path: Path, commands: Path) -> None:
    docker(commands, 'echo "$*" >>"${0%/*}/calls"; echo 29.0')
    lines: list[str] = []
    assert select_stack_runtime(StackSettings(tmp_path), lines.append).name == "compose"
    assert "set RUNTIME=native" in lines[0]
    calls = (commands / "calls").read_text().splitlines()
    assert calls == ["version --format {{.Server.Version}}", "compose version"]


@pytest.mark.parametrize(
    "program",
    [
        "",
        '#!/bin/sh\ntest "$1" = version',  # without Compose
        "#!/bin/sh\necho Cannot connect to the Docker daemon >&2; exit 1",
        "#!/bin/sh\nexec /bin/sleep 30",
        "no program at all",
    ],
)
def test_native_is_selected_without_an_engine(
    tmp_path: Path, commands: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(select, "TIMEOUT_S", 0.1)
    if program:
        (commands / "docker").write_text(program)
        (commands / "docker").chmod(0o755)
    assert messages(tmp_path) == []


def test_configured_runtime_needs_no_engine(tmp_path: Path, commands: Path) -> None:
    docker(commands, 'touch "${0%/*}/calls"')
    assert messages(tmp_path, "native") == []
    assert not (commands / "calls").exists()


def test_compose_without_docker_says_what_to_do(tmp_path: Path) -> None:
    runtime = select_stack_runtime(StackSettings(tmp_path, runtime="compose"), lambda _: None)
    with pytest.raises(AlertdrillError, match="or use RUNTIME=native"):
        runtime.up(lambda _: None)


def test_swarm_is_refused_as_a_runtime(tmp_path: Path) -> None:
    settings = StackSettings(tmp_path, runtime="swarm")
    assert isinstance(select_control_target(settings), SwarmRuntime)
    with pytest.raises(AlertdrillError, match="only the control API supports: use auto, native"):
        select_stack_runtime(settings, lambda _: None)


def test_fault_target_is_refused_where_drills_run_in_a_container(tmp_path: Path) -> None:
    with pytest.raises(AlertdrillError, match="inside the stack's networks: use `make drill`"):
        select_fault_target(StackSettings(tmp_path, runtime="compose"))


def test_stack_is_not_started_from_one_of_its_containers(tmp_path: Path) -> None:
    with pytest.raises(AlertdrillError, match="Only the host can do this"):
        select_stack_runtime(StackSettings(tmp_path, runtime=IN_NETWORK), lambda _: None)


@pytest.mark.parametrize("runtime", ["native", "compose", IN_NETWORK])
def test_running_stack_is_what_its_place_allows(tmp_path: Path, runtime: str) -> None:
    settings = StackSettings(tmp_path, runtime=runtime)
    chosen = select_running_stack(settings, lambda _: None)
    assert isinstance(chosen, InNetworkRuntime) == (runtime == IN_NETWORK)
    assert type(select_control_target(settings)) is type(chosen)
