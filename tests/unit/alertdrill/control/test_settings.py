from pathlib import Path

import pytest

from alertdrill.config.settings import SettingsError, StackSettings
from alertdrill.control.settings import ControlSettings

TOKEN = "sixteen-or-longer"


@pytest.fixture
def token(tmp_path: Path) -> str:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return str(file)


def refusal(**environ: str) -> str:
    with pytest.raises(SettingsError) as error:
        ControlSettings.from_env(environ)
    return str(error.value)


def test_stack_is_read_from_the_file(tmp_path: Path, token: str) -> None:
    stack, file = StackSettings(tmp_path, speed=12.0, ephemeral=True), tmp_path / "stack.json"
    file.write_text(stack.to_json())
    settings = ControlSettings.from_env({"CONTROL_TOKEN_FILE": token, "CONTROL_STACK": str(file)})
    assert settings == ControlSettings(TOKEN, stack, tmp_path / "control")


def test_stack_is_read_from_the_environment(token: str) -> None:
    settings = ControlSettings.from_env({"CONTROL_TOKEN_FILE": token, "LB_PORT": "9000"})
    assert settings.stack.ports.lb == 9000


def test_missing_token_is_refused(tmp_path: Path) -> None:
    assert "CONTROL_TOKEN_FILE is not set" in refusal()
    assert "which can't be read" in refusal(CONTROL_TOKEN_FILE=str(tmp_path / "none"))
    short = tmp_path / "short"
    short.write_text("short\n")
    assert "16 characters or more" in refusal(CONTROL_TOKEN_FILE=str(short))


@pytest.mark.parametrize("text", ["", "no", "{}", "[]", '{"home": "/", "cache": null}'])
def test_broken_stack_file_is_named(tmp_path: Path, token: str, text: str) -> None:
    file = tmp_path / "stack.json"
    file.write_text(text)
    messages = refusal(CONTROL_TOKEN_FILE=token, CONTROL_STACK=str(file))
    assert "holds no stack settings: start the stack again" in messages
