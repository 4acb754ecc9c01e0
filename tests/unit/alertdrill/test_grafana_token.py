from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alertdrill.grafana_token import ACCOUNT, GrafanaClient, TokenError, ensure_token
from tests.unit.alertdrill.grafana import FakeGrafana
from tests.unit.apps.loopback import Answer, Peer


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    made = FakeGrafana()
    yield made
    made.close()


def made(grafana: FakeGrafana, file: Path, password: str = "secret") -> str:
    return ensure_token(GrafanaClient(grafana.url, password), file)


def test_token_is_of_an_editor(grafana: FakeGrafana, tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert made(grafana, file) == "made"
    [account] = grafana.accounts.values()
    assert (account["name"], account["role"]) == (ACCOUNT, "Editor")
    assert [key for _, key in grafana.tokens.values()] == [file.read_text()]


def test_only_its_owner_reads_it(grafana: FakeGrafana, tmp_path: Path) -> None:
    made(grafana, tmp_path / "token")
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    ensure_token(GrafanaClient(grafana.url, "secret"), tmp_path / "shared", 0o440)
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o440


def test_restart_keeps_it(grafana: FakeGrafana, tmp_path: Path) -> None:
    made(grafana, tmp_path / "token")
    first = (tmp_path / "token").read_text()
    assert made(grafana, tmp_path / "token") == "kept"
    assert (tmp_path / "token").read_text() == first
    assert (len(grafana.accounts), len(grafana.tokens)) == (1, 1)


def test_lost_file_leaves_no_old_token(grafana: FakeGrafana, tmp_path: Path) -> None:
    made(grafana, tmp_path / "token")
    (tmp_path / "token").unlink()
    assert made(grafana, tmp_path / "token") == "made"
    assert (len(grafana.accounts), len(grafana.tokens)) == (1, 1)


def test_grafana_that_forgot_gives_another(grafana: FakeGrafana, tmp_path: Path) -> None:
    made(grafana, tmp_path / "token")
    first = (tmp_path / "token").read_text()
    grafana.forget()
    assert made(grafana, tmp_path / "token") == "made"
    assert (tmp_path / "token").read_text() != first


def test_empty_file_counts_as_none(grafana: FakeGrafana, tmp_path: Path) -> None:
    (tmp_path / "token").touch()
    (tmp_path / "token.new").write_text("cut off")
    assert made(grafana, tmp_path / "token") == "made"


def test_other_password_is_told(grafana: FakeGrafana, tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="another one since its first start"):
        made(grafana, tmp_path / "token", "wrong")
    assert not (tmp_path / "token").exists()


def test_token_is_kept_while_grafana_starts(grafana: FakeGrafana, tmp_path: Path) -> None:
    made(grafana, tmp_path / "token")
    first = (tmp_path / "token").read_text()
    grafana.healthy = False
    with pytest.raises(TokenError, match=r"looks at no token \(503 starting\)"):
        made(grafana, tmp_path / "token")
    assert (tmp_path / "token").read_text() == first


def test_unreachable_grafana_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="does not answer"):
        ensure_token(GrafanaClient("http://127.0.0.1:9", "secret"), tmp_path / "token")


def test_page_instead_of_json_is_told(tmp_path: Path) -> None:
    peer = Peer()
    peer.answer = lambda: Answer(200, b"<html>")
    with pytest.raises(TokenError, match="is no JSON"):
        ensure_token(GrafanaClient(peer.url, "secret"), tmp_path / "token")
    peer.close()
