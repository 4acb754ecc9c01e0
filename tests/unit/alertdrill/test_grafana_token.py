from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alertdrill.grafana_token import ACCOUNT, GrafanaClient, TokenError, ensure_token
from tests.http_server import Answer, Peer
from tests.unit.alertdrill.fake_grafana import FakeGrafana


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    fake_grafana = FakeGrafana()
    yield fake_grafana
    fake_grafana.close()


def token_state(grafana: FakeGrafana, file: Path, password: str = "secret") -> str:
    return ensure_token(GrafanaClient(grafana.url, password), file)


def test_token_belongs_to_an_editor(grafana: FakeGrafana, tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert token_state(grafana, file) == "new"
    [account] = grafana.accounts.values()
    assert (account["name"], account["role"]) == (ACCOUNT, "Editor")
    assert [key for _, key in grafana.tokens.values()] == [file.read_text()]


def test_token_file_is_readable_by_its_owner_only(grafana: FakeGrafana, tmp_path: Path) -> None:
    token_state(grafana, tmp_path / "token")
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    ensure_token(GrafanaClient(grafana.url, "secret"), tmp_path / "shared", 0o440)
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o440


def test_second_call_keeps_the_token(grafana: FakeGrafana, tmp_path: Path) -> None:
    token_state(grafana, tmp_path / "token")
    first = (tmp_path / "token").read_text()
    assert token_state(grafana, tmp_path / "token") == "valid"
    assert (tmp_path / "token").read_text() == first
    assert (len(grafana.accounts), len(grafana.tokens)) == (1, 1)


def test_lost_file_replaces_the_old_token(grafana: FakeGrafana, tmp_path: Path) -> None:
    token_state(grafana, tmp_path / "token")
    (tmp_path / "token").unlink()
    assert token_state(grafana, tmp_path / "token") == "new"
    assert (len(grafana.accounts), len(grafana.tokens)) == (1, 1)


def test_token_that_grafana_lost_is_replaced(grafana: FakeGrafana, tmp_path: Path) -> None:
    token_state(grafana, tmp_path / "token")
    first = (tmp_path / "token").read_text()
    grafana.forget()
    assert token_state(grafana, tmp_path / "token") == "new"
    assert (tmp_path / "token").read_text() != first


def test_empty_file_counts_as_missing(grafana: FakeGrafana, tmp_path: Path) -> None:
    (tmp_path / "token").touch()
    (tmp_path / "token.new").write_text("cut off")
    assert token_state(grafana, tmp_path / "token") == "new"


def test_wrong_password_is_an_error(grafana: FakeGrafana, tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="password of its first start"):
        token_state(grafana, tmp_path / "token", "wrong")
    assert not (tmp_path / "token").exists()


def test_token_is_kept_while_grafana_starts(grafana: FakeGrafana, tmp_path: Path) -> None:
    token_state(grafana, tmp_path / "token")
    first = (tmp_path / "token").read_text()
    grafana.healthy = False
    with pytest.raises(TokenError, match=r"did not check the token \(503 starting\)"):
        token_state(grafana, tmp_path / "token")
    assert (tmp_path / "token").read_text() == first


def test_unreachable_grafana_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="does not respond"):
        ensure_token(GrafanaClient("http://127.0.0.1:9", "secret"), tmp_path / "token")


def test_response_without_json_is_an_error(tmp_path: Path) -> None:
    peer = Peer()
    peer.answer = lambda: Answer(200, b"<html>")
    with pytest.raises(TokenError, match="is not JSON"):
        ensure_token(GrafanaClient(peer.url, "secret"), tmp_path / "token")
    peer.close()
