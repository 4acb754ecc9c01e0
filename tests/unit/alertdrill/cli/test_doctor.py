import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from alertdrill.cli import app, doctor
from alertdrill.cli.doctor import Check, checks
from alertdrill.config.settings import StackSettings, parse


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., StackSettings]:
    """Return settings of a machine without programs on the PATH or in the cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("alertdrill.toolchain.commands.SBIN_FOLDERS", ())
    monkeypatch.setattr(doctor, "find_local", lambda *_: {})

    def make(**variables: str) -> StackSettings:
        folders = {"ALERTDRILL_HOME": str(tmp_path / "var"), "ALERTDRILL_CACHE": str(tmp_path)}
        return parse({**folders, **variables})

    return make


def by_name(settings: StackSettings) -> dict[str, Check]:
    return {check.name: check for check in checks(settings)}


def test_missing_docker_is_a_problem_only_for_compose(
    settings: Callable[..., StackSettings],
) -> None:
    docker = by_name(settings(RUNTIME="compose"))["docker"]
    assert (docker.state, docker.detail) == ("problem", "not installed")
    assert "RUNTIME=native" in docker.advice
    assert by_name(settings(RUNTIME="auto"))["docker"].state == "warning"


def test_program_that_cannot_be_fetched_is_a_problem(
    settings: Callable[..., StackSettings],
) -> None:
    results = by_name(settings(RUNTIME="native"))
    assert results["prometheus"].state == "problem"
    assert "Install prometheus 3.5 or newer" in results["prometheus"].advice
    assert results["loki"].state == "warning"


def test_missing_program_is_ok_if_apt_can_fetch_it(
    settings: Callable[..., StackSettings], tmp_path: Path
) -> None:
    (tmp_path / "apt-get").touch(mode=0o755)
    prometheus = by_name(settings(RUNTIME="native"))["prometheus"]
    assert prometheus.state == "ok"
    assert "`make up` fetches it" in prometheus.detail


def bind_valid_port(listener: socket.socket) -> int:
    """Bind a free port that settings accept; port 0 may give a higher one."""
    for port in range(20_000, 60_001):
        with suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise AssertionError("every port is in use")


def test_port_in_use_is_a_problem_with_its_variable(settings: Callable[..., StackSettings]) -> None:
    with socket.socket() as listener:
        port = bind_valid_port(listener)
        listener.listen()
        results = checks(settings(RUNTIME="native", GRAFANA_PORT=str(port)))
    # A stack may run on this machine, and use other ports.
    [check] = [check for check in results if f"Port {port} " in check.detail]
    assert (check.name, check.state) == ("port", "problem")
    assert "GRAFANA_PORT" in check.detail


def test_port_of_the_operations_of_an_instance_in_use_is_a_problem(
    settings: Callable[..., StackSettings],
) -> None:
    with socket.socket() as listener:
        port = bind_valid_port(listener)
        listener.listen()
        results = checks(settings(RUNTIME="native", INSTANCES_PORT=str(port - 151)))
    [check] = [check for check in results if f"Port {port} " in check.detail]
    assert (check.name, check.state) == ("port", "problem")
    assert "set INSTANCES_PORT" in check.detail


def test_little_disk_space_is_a_warning(
    settings: Callable[..., StackSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "MIN_FREE_DISK", 2**60)
    assert by_name(settings(RUNTIME="native"))["disk"].state == "warning"


ADVICE = f'export PATH="/{"folder/" * 40}bin:$PATH"'


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("warning", 0), ("problem", 1)])
def test_doctor_prints_advice_whole_and_fails_only_for_a_problem(
    monkeypatch: pytest.MonkeyPatch, state: doctor.State, code: int
) -> None:
    check = Check("ports", state, "8080 is [taken]", ADVICE)
    monkeypatch.setattr(doctor, "checks", lambda _: [check])
    result = CliRunner().invoke(app.main, ["doctor"], env={"COLUMNS": "80"})
    assert result.exit_code == code
    first, second = result.stdout.splitlines()
    assert first.endswith("ports  8080 is [taken]")
    assert second.strip() == ADVICE


DOCKER = """#!/bin/sh
case "$1" in
version) echo 28.1; exit $VERSION;;
compose) echo $COMPOSE; [ -n "$COMPOSE" ];;
esac
"""


@pytest.mark.parametrize(
    ("outcomes", "state", "detail", "advice"),
    [
        (("0", "2.35.1-desktop.1"), "ok", "28.1, Compose 2.35.1-desktop.1", ""),
        (("0", "v5.0.0"), "ok", "28.1, Compose v5.0.0", ""),
        (("0", "2.19.9"), "problem", "28.1, Compose 2.19.9", "Update Compose to 2.20"),
        (("0", ""), "problem", "28.1, without Compose", "Install the Compose plugin"),
        (("1", "2.35"), "problem", "the engine does not respond", "Start the engine"),
    ],
)
def test_docker_is_ok_only_with_an_engine_and_compose(
    settings: Callable[..., StackSettings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcomes: tuple[str, str],
    state: str,
    detail: str,
    advice: str,
) -> None:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    for name, outcome in zip(("VERSION", "COMPOSE"), outcomes, strict=True):
        monkeypatch.setenv(name, outcome)
    docker = by_name(settings(RUNTIME="compose"))["docker"]
    assert (docker.state, docker.detail) == (state, detail)
    assert docker.advice.startswith(advice)
