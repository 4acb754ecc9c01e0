from pathlib import Path

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.control import create_app


def test_app_is_created_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, stack = tmp_path / "token", tmp_path / "stack.json"
    token.write_text("the-token-of-the-control-api\n")
    stack.write_text(StackSettings(tmp_path / "home", runtime="native").to_json())
    monkeypatch.setenv("CONTROL_TOKEN_FILE", str(token))
    monkeypatch.setenv("CONTROL_STACK", str(stack))
    headers = {"Authorization": "Bearer the-token-of-the-control-api"}
    answer = create_app().test_client().get("/instances", headers=headers)
    # The stack is down, and no folder was created.
    assert (answer.status_code, (tmp_path / "home").exists()) == (503, False)


def test_swarm_runtime_is_selected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("the-token-of-the-control-api\n")
    monkeypatch.setenv("CONTROL_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("RUNTIME", "swarm")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    headers = {"Authorization": "Bearer the-token-of-the-control-api"}
    answer = create_app().test_client().get("/instances", headers=headers)
    assert answer.status_code == 503
    assert "The engine of the Swarm's manager does not answer" in answer.get_json()["detail"]
