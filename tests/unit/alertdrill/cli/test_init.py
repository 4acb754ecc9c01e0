"""`alertdrill init` in the repository of an application."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertdrill.cli.app import main
from alertdrill.config import ROOT
from alertdrill.config.services import read_services


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERVICES_FILES", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", *arguments])


def test_declaration_is_valid_at_once(folder: Path) -> None:
    (folder / "requirements.txt").touch()
    result = init("shop", "--app", "shop:create_app()", "--host", "shop.localhost")
    assert result.exit_code == 0, result.output
    service = read_services(ROOT / "apps", [folder / "alertdrill.yml"])["shop"]
    assert (service.folder, service.app) == (folder, "shop:create_app()")
    assert (service.host, service.public) == ("shop.localhost", ["/"])
    assert service.requirements == "requirements.txt"
    assert "SERVICES_FILES=" in result.stdout
    assert 'init_app(app, service="shop")' in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["web", "--app", "a:b"], "There is a service web already."),
        (["shop", "--app", "a:b", "--port", "5000"], "Port 5000 already belongs to web."),
        (["shop", "--app", "a b"], "App is 'a b': use a module and what it has"),
    ],
)
def test_refused_declaration_writes_nothing(
    folder: Path, arguments: list[str], message: str
) -> None:
    result = init(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert list(folder.iterdir()) == []


def test_existing_declaration_stays(folder: Path) -> None:
    (folder / "alertdrill.yml").write_text("mine")
    assert init("shop", "--app", "a:b").exit_code == 1
    assert (folder / "alertdrill.yml").read_text() == "mine"
