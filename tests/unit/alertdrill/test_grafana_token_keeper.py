from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alertdrill import grafana_token_keeper as module
from alertdrill.grafana_token_keeper import (
    CHECK_INTERVAL_S,
    RETRY_INTERVAL_S,
    Settings,
    TokenKeeper,
    sleep_with_heartbeat,
    write_line,
)
from alertdrill.settings import ROOT
from tests.unit.alertdrill.grafana import FakeGrafana


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    made = FakeGrafana()
    yield made
    made.close()


def settings(url: str, folder: Path) -> Settings:
    (folder / "password").write_text("secret\n")
    names = {"GRAFANA_PASSWORD_FILE": "password", "GRAFANA_TOKEN_FILE": "token"}
    files = {name: str(folder / file) for name, file in names.items()}
    return Settings.from_env({"GRAFANA_URL": url, **files})


def test_token_comes_once_grafana_serves(grafana: FakeGrafana, tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []
    tokens = TokenKeeper(settings(grafana.url, tmp_path), lambda *words: said.append(words))
    grafana.healthy = False
    assert [tokens.turn(), tokens.turn()] == [RETRY_INTERVAL_S, RETRY_INTERVAL_S]
    grafana.healthy = True
    assert [tokens.turn(), tokens.turn()] == [CHECK_INTERVAL_S, CHECK_INTERVAL_S]
    assert [level for level, _ in said] == ["WARNING", "INFO", "INFO"]
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o440


def test_token_that_grafana_forgot_is_replaced(grafana: FakeGrafana, tmp_path: Path) -> None:
    tokens = TokenKeeper(settings(grafana.url, tmp_path), lambda *_: None)
    tokens.turn()
    first = (tmp_path / "token").read_text()
    grafana.forget()
    tokens.turn()
    assert (tmp_path / "token").read_text() != first


def test_missing_password_is_told(grafana: FakeGrafana, tmp_path: Path) -> None:
    said: list[str] = []
    wanted = settings(grafana.url, tmp_path)
    wanted.password.unlink()
    assert TokenKeeper(wanted, lambda _, message: said.append(message)).turn() == RETRY_INTERVAL_S
    assert "No such file" in said[0]


def test_it_needs_the_standard_library_only() -> None:
    command = [sys.executable, "-S", "-c", "import alertdrill.grafana_token_keeper"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)


def test_sleep_shows_that_it_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_FILE", tmp_path / "alive")
    sleep_with_heartbeat(0.01)
    assert (tmp_path / "alive").exists()


def test_it_speaks_as_all_programs_do(capsys: pytest.CaptureFixture[str]) -> None:
    write_line("INFO", "hello")
    found = json.loads(capsys.readouterr().out)
    assert (found["service"], found["message"]) == ("grafana-token", "hello")
