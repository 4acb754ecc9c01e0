from __future__ import annotations

from pathlib import Path

import pytest

from alertdrill_telemetry.env_reader import EnvReader
from alertdrill_telemetry.errors import SettingsError
from alerting.responder.settings import ResponderSettings

HEALING = {"HEALING": "on", "CONTROL_TOKEN": "one", "RESPONDER_TOKEN": "another"}


def test_defaults_need_no_variables() -> None:
    settings = ResponderSettings.from_env(EnvReader({}))
    assert (settings.watchdog_timeout, settings.healing, settings.speed) == (180, "off", 1.0)
    assert (settings.runbooks_dir / "Watchdog.md").is_file()
    assert settings.policy.is_file()


def test_secrets_can_be_files_and_are_not_printed(tmp_path: Path) -> None:
    for name in ("control", "responder"):
        (tmp_path / name).write_text(f"{name} secret")
    environment = {
        "HEALING": "dry-run",
        "CONTROL_TOKEN_FILE": str(tmp_path / "control"),
        "RESPONDER_TOKEN_FILE": str(tmp_path / "responder"),
    }
    settings = ResponderSettings.from_env(EnvReader(environment))
    assert (settings.control_token, settings.token) == ("control secret", "responder secret")
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("WATCHDOG_TIMEOUT", value) for value in ("0", "soon", "nan")),
        ("HEALING", "maybe"),
        ("SPEED", "0"),
        ("CONTROL_URL", "nowhere"),
        ("CONTROL_TOKEN", ""),
        ("RESPONDER_TOKEN", ""),
    ],
)
def test_bad_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        ResponderSettings.from_env(EnvReader({**HEALING, name: value}))
