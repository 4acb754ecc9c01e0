from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alertdrill import grafana_token_keeper as module
from alertdrill.config import ROOT
from alertdrill.grafana_token_keeper import (
    CHECK_INTERVAL_S,
    RETRY_INTERVAL_S,
    Settings,
    TokenKeeper,
    sleep_with_heartbeat,
    write_line,
)
from tests.unit.alertdrill.fake_grafana import FakeGrafana


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    fake_grafana = FakeGrafana()
    yield fake_grafana
    fake_grafana.close()


def settings(url: str, folder: Path) -> Settings:
    (folder / "password").write_text("secret\n")
    names = {"GRAFANA_PASSWORD_FILE": "password", "GRAFANA_TOKEN_FILE": "token"}
    files = {name: str(folder / file) for name, file in names.items()}
    return Settings.from_env({"GRAFANA_URL": url, **files})


def test_token_is_created_once_grafana_is_healthy(grafana: FakeGrafana, tmp_path: Path) -> None:
    messages: list[tuple[str, str]] = []
    keeper = TokenKeeper(settings(grafana.url, tmp_path), lambda *words: messages.append(words))
    grafana.healthy = False
    assert [keeper.check(), keeper.check()] == [RETRY_INTERVAL_S, RETRY_INTERVAL_S]
    grafana.healthy = True
    assert [keeper.check(), keeper.check()] == [CHECK_INTERVAL_S, CHECK_INTERVAL_S]
    assert [level for level, _ in messages] == ["WARNING", "INFO", "INFO"]
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o440


def test_token_that_grafana_lost_is_replaced(grafana: FakeGrafana, tmp_path: Path) -> None:
    keeper = TokenKeeper(settings(grafana.url, tmp_path), lambda *_: None)
    keeper.check()
    first = (tmp_path / "token").read_text()
    grafana.forget()
    keeper.check()
    assert (tmp_path / "token").read_text() != first


def test_missing_password_is_logged_and_retried(grafana: FakeGrafana, tmp_path: Path) -> None:
    messages: list[str] = []
    invalid = settings(grafana.url, tmp_path)
    invalid.password.unlink()
    assert (
        TokenKeeper(invalid, lambda _, message: messages.append(message)).check()
        == RETRY_INTERVAL_S
    )
    assert "No such file" in messages[0]


def test_keeper_imports_only_the_standard_library() -> None:
    command = [sys.executable, "-S", "-c", "import alertdrill.grafana_token_keeper"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)


def test_sleep_writes_the_heartbeat_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_FILE", tmp_path / "alive")
    sleep_with_heartbeat(0.01)
    assert (tmp_path / "alive").exists()


def test_log_line_has_the_common_format(capsys: pytest.CaptureFixture[str]) -> None:
    write_line("INFO", "hello")
    line = json.loads(capsys.readouterr().out)
    assert (line["service"], line["message"]) == ("grafana-token", "hello")
