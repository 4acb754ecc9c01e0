from __future__ import annotations

from pathlib import Path

import pytest

from alerting.responder.settings import ResponderSettings
from apps.telemetry.env_reader import EnvReader
from apps.telemetry.errors import SettingsError


def test_default_timeout_is_three_minutes() -> None:
    assert ResponderSettings.from_env(EnvReader({})).watchdog_timeout == 180


def test_runbooks_are_beside_the_package() -> None:
    assert (ResponderSettings.from_env(EnvReader({})).runbooks_dir / "Watchdog.md").is_file()


@pytest.mark.parametrize("timeout", ["0", "soon", "nan"])
def test_bad_timeout_is_named(timeout: str) -> None:
    with pytest.raises(SettingsError, match="WATCHDOG_TIMEOUT"):
        ResponderSettings.from_env(EnvReader({"WATCHDOG_TIMEOUT": timeout}))


HEALING = {"HEALING": "on", "CONTROL_TOKEN": "one", "RESPONDER_TOKEN": "another"}


def test_healing_is_off_by_default() -> None:
    assert ResponderSettings.from_env(EnvReader({})).healing.mode == "off"


def test_default_policy_exists() -> None:
    healing = ResponderSettings.from_env(EnvReader(HEALING)).healing
    assert (healing.mode, healing.speed) == ("on", 1.0)
    assert healing.policy.is_file()


def test_secrets_can_be_files_and_are_not_printed(tmp_path: Path) -> None:
    for name in ("control", "responder"):
        (tmp_path / name).write_text(f"{name} secret")
    environment = {
        "HEALING": "dry-run",
        "CONTROL_TOKEN_FILE": str(tmp_path / "control"),
        "RESPONDER_TOKEN_FILE": str(tmp_path / "responder"),
    }
    healing = ResponderSettings.from_env(EnvReader(environment)).healing
    assert (healing.control_token, healing.token) == ("control secret", "responder secret")
    assert "secret" not in repr(healing)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"HEALING": "maybe"}, "HEALING"),
        ({**HEALING, "SPEED": "0"}, "SPEED"),
        ({**HEALING, "CONTROL_URL": "nowhere"}, "CONTROL_URL"),
        ({**HEALING, "CONTROL_TOKEN": ""}, "CONTROL_TOKEN"),
        ({**HEALING, "RESPONDER_TOKEN": ""}, "RESPONDER_TOKEN"),
    ],
)
def test_bad_healing_variable_is_named(variables: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        ResponderSettings.from_env(EnvReader(variables))
