"""Services that other repositories declare."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from alertdrill.config import ROOT
from alertdrill.config import services as module
from alertdrill.config.compose_services import external_overlay
from alertdrill.config.derived import COMPOSE, RULES, derived_files, rules
from alertdrill.config.services import (
    EXTERNAL_SERVICES,
    SERVICES,
    ServicesError,
    external_files,
    own_services,
    pass_on,
    read_services,
)
from alertdrill.runtimes import config_files
from tests.unit.alertdrill.config.declarations import FACTS

COMPOSE_FILE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SHOP = f"shop: {{port: 5003, path: ., app: 'shop:app', public: [/shop], {FACTS}}}\n"


def declared(folder: Path, text: str = SHOP) -> Path:
    """Write a declaration beside the code of its application."""
    file = folder / "shop/alertdrill.yml"
    file.parent.mkdir()
    file.write_text(text)
    return file


def test_service_has_its_own_folder(tmp_path: Path) -> None:
    file = declared(tmp_path)
    shop = read_services(ROOT / "apps", [file])["shop"]
    assert (shop.folder, shop.file) == (file.parent, str(file))
    assert own_services({"web": SERVICES["web"], "shop": shop}) == {"web": SERVICES["web"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SHOP.replace("shop:", "web:", 1), "there is a service web already"),
        (SHOP.replace("5003", "5000"), "port 5000 already belongs to web"),
        (SHOP.replace("[/shop]", "[/]"), "public / already belongs to web"),
        (SHOP.replace("path: ., app: 'shop:app', ", ""), "path is missing: use the folder"),
        (SHOP.replace("path: .", "path: src"), "path .*src: there is no folder"),
    ],
)
def test_collision_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    file = declared(tmp_path, text)
    with pytest.raises(ServicesError, match=rf"shop/alertdrill\.yml:1: {message}"):
        read_services(ROOT / "apps", [file])


def test_files_are_relative_to_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICES_FILES", "../shop/alertdrill.yml: /srv/x.yml:")
    assert external_files() == [ROOT / "../shop/alertdrill.yml", Path("/srv/x.yml")]
    monkeypatch.setenv("SERVICES_FILES", "")
    assert external_files() == []


def test_containers_get_the_declarations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = read_services(ROOT / "apps", [declared(tmp_path)])
    monkeypatch.setenv("SERVICES_FILES", "")
    monkeypatch.setenv(EXTERNAL_SERVICES, pass_on(every))
    assert dict(module._DeclaredServices()) == every


def test_committed_files_have_only_own_services(tmp_path: Path) -> None:
    every = read_services(ROOT / "apps", [declared(tmp_path)])
    files = derived_files(every)
    assert files == derived_files(own_services(every))
    assert "shop" not in files[RULES] + files[COMPOSE]


def test_stack_reads_the_rules_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = read_services(ROOT / "apps", [declared(tmp_path)])
    source = config_files.SOURCES["prometheus/rules"]
    assert not config_files.has_own_text(source)
    monkeypatch.setitem(vars(SERVICES), "_services", every)
    assert config_files.has_own_text(source)
    rendered = config_files.rendered(source, 1)
    assert rendered["services.yml"] == rules(every)
    assert rendered["slo.yml"] == (ROOT / source / "slo.yml").read_text()


def test_overlay_has_the_service_and_tells_the_stack(tmp_path: Path) -> None:
    every = read_services(ROOT / "apps", [declared(tmp_path)])
    assert external_overlay(own_services(every), COMPOSE_FILE) == ""
    overlay = yaml.safe_load(external_overlay(every, COMPOSE_FILE))["services"]
    assert overlay["shop"]["build"]["context"] == str(tmp_path / "shop")
    assert overlay["control"]["environment"] == {
        EXTERNAL_SERVICES: pass_on(every).replace("$", "$$")
    }
    assert overlay["docker-proxy"]["environment"] == {"EXTERNAL_NAMES": "|shop"}
    assert "web" not in overlay
