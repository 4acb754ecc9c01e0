import json
from dataclasses import fields
from pathlib import Path

import pytest

from alertdrill.config import ROOT
from alertdrill.config.env_block import HOST
from alertdrill.config.settings import (
    ImageVersions,
    Ports,
    Replicas,
    SettingsError,
    StackSettings,
    load,
    parse,
)


def refusal(**values: str) -> str:
    with pytest.raises(SettingsError) as error:
        parse(values)
    return str(error.value)


def test_empty_environment_gives_the_defaults() -> None:
    assert parse({}) == StackSettings(home=ROOT / "var")


def test_empty_value_means_the_default() -> None:
    assert parse({"LB_PORT": " ", "ALERTDRILL_CACHE": "", "RUNTIME": ""}) == parse({})


def test_relative_folder_starts_at_the_repository() -> None:
    settings = parse({"ALERTDRILL_HOME": "elsewhere", "ALERTDRILL_CACHE": "/cache"})
    assert (settings.home, settings.cache) == (ROOT / "elsewhere", Path("/cache"))


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nexport LB_PORT=9000\nLOKI_PORT='3101'  # mine\nRUNTIME\n")
    settings = load({"LB_PORT": "9001", "PATH": "/bin"}, file)
    assert (settings.ports.lb, settings.ports.loki, settings.runtime) == (9001, 3101, "auto")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# mine\n\n\nLB_PORT=80\n", "4: LB_PORT is '80': use a whole number"),
        ("LB_PORT=9000\nHEALING=on\nLB_PORT='80'\n", "3: LB_PORT is '80'"),
        ("HEALING=on\n\nLB PORT=80\n", "3: it is no setting: write NAME=VALUE."),
    ],
)
def test_invalid_line_of_the_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(SettingsError) as error:
        load({"HEALING": "off"}, tmp_path / ".env")
    assert str(error.value).startswith(f"{tmp_path}/.env:{message}")


def test_start_counts_the_lines_of_the_block_that_it_ignores(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    HOST.write(file, {"LOKI_REPLICAS": "0", "DOCKER_ROOT": "/docker"})
    file.write_text(file.read_text() + "LB_PORT=80\n")
    with pytest.raises(SettingsError, match=r"\.env:5: LB_PORT is '80'"):
        load({}, file, for_start=True)


def test_invalid_value_of_the_environment_has_no_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LB_PORT=9000\n")
    with pytest.raises(SettingsError, match=r"^LB_PORT is '80'"):
        load({"LB_PORT": "80"}, tmp_path / ".env")


def test_speed_is_a_variable_in_a_container_only() -> None:
    assert parse({"RUNTIME": "in-network", "SPEED": "12"}).speed == 12
    assert parse({"RUNTIME": "native", "SPEED": "12"}).speed == 1
    assert not parse({}).ephemeral
    assert refusal(RUNTIME="in-network", SPEED="nan") == (
        "SPEED is 'nan': use a number from 1 to 1000."
    )


def test_missing_file_changes_nothing(tmp_path: Path) -> None:
    assert load({}, tmp_path / ".env") == parse({})


def test_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"LB_PORT=\xff")
    with pytest.raises(SettingsError, match=r"\.env can't be read: "):
        load({}, tmp_path / ".env")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RUNTIME", "podman", "one of auto, native, compose"),
        ("LOG_LEVEL", "info", "one of DEBUG, INFO, WARNING, ERROR"),
        ("FAULTS_ENABLED", "yes", "one of 0, 1"),
        ("LB_ADDRESS", "localhost", "an IPv4 address"),
        ("LB_ADDRESS", "::1", "an IPv4 address"),
        ("HEALING", "maybe", "one of on, dry-run, off"),
        ("LOKI_REPLICAS", "2", "a whole number from 0 to 1"),
        ("LB_PORT", "80", "a whole number from 1024 to 60000"),
        ("LB_PORT", "-8080", "a whole number from 1024 to 60000"),
        ("LB_PORT", "\uff18\uff10\uff18\uff10", "a whole number from 1024 to 60000"),
    ],
)
def test_invalid_value_is_refused_with_its_variable(name: str, value: str, expected: str) -> None:
    assert refusal(**{name: value}) == f"{name} is {value!r}: use {expected}."


@pytest.mark.parametrize("runtime", ["in-network", "swarm"])
def test_runtimes_used_in_containers_are_accepted(runtime: str) -> None:
    assert parse({"RUNTIME": runtime}).runtime == runtime


def test_very_long_number_is_refused() -> None:
    assert refusal(LB_PORT="9" * 5000).endswith("use a whole number from 1024 to 60000.")


def test_duplicate_port_is_refused_with_both_variables() -> None:
    assert refusal(LOKI_PORT="9090") == (
        "PROMETHEUS_PORT and LOKI_PORT are both 9090: change one of them."
    )


@pytest.mark.parametrize(
    ("port", "instance"),
    [
        (15101, "web-1"),
        (15104, "web-4"),
        (15204, "data-service-4"),
        (15151, "the operations of web-1"),
        (15254, "the operations of data-service-4"),
    ],
)
def test_port_of_an_instance_is_refused(port: int, instance: str) -> None:
    assert refusal(GRAFANA_PORT=str(port)) == (
        f"GRAFANA_PORT is {port}, which is the port of {instance}: change it or INSTANCES_PORT."
    )


@pytest.mark.parametrize("name", [item.name for item in fields(Ports)])
def test_every_port_has_its_variable(name: str) -> None:
    assert getattr(parse({f"{name.upper()}_PORT": "20000"}).ports, name) == 20000


@pytest.mark.parametrize(
    "settings",
    [
        StackSettings(Path("/h")),
        StackSettings(
            Path("/h"),
            cache=Path("/c"),
            ports=Ports(lb=9000),
            replicas=Replicas(loki=0),
            versions=ImageVersions(loki="3.0.0"),
            speed=12.0,
            ephemeral=True,
        ),
    ],
)
def test_settings_read_back_unchanged(settings: StackSettings) -> None:
    assert StackSettings.from_dict(json.loads(settings.to_json())) == settings


def test_settings_with_an_unknown_field_are_refused() -> None:
    values = json.loads(StackSettings(Path("/h")).to_json())
    with pytest.raises(ValueError, match="no_longer"):
        StackSettings.from_dict({**values, "no_longer": 1})
