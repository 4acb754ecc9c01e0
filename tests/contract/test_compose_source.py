"""Docker Compose sees the same configuration with the command line and without it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from alertdrill.config import settings
from alertdrill.config.derived import COMPOSE, COMPOSE_ENV
from alertdrill.config.settings import SettingsError
from alertdrill.runtimes.compose import project as module
from alertdrill.runtimes.compose.project import ComposeProject
from alertdrill.runtimes.select import has_compose

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not has_compose(), reason="needs Docker Compose")


@dataclass
class Checkout:
    """A folder with docker-compose.yml and `.env`."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def project(self) -> ComposeProject:
        return ComposeProject(settings.load({}, self.folder / ".env"))

    def plain(self) -> dict[str, str]:
        """Return the hashes that `docker compose` sees."""
        completed = subprocess.run(
            ["docker", "compose", "config", "--hash", "*"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return dict(line.split() for line in completed.stdout.splitlines())


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    for name in settings.variables():
        monkeypatch.delenv(name, raising=False)
    for name in ("docker-compose.yml", COMPOSE, COMPOSE_ENV):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    # The commands start in the checkout.
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "FILE", tmp_path / "docker-compose.yml")
    monkeypatch.setattr(module, "ENV", tmp_path / ".env")
    return Checkout(tmp_path)


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "LB_PORT=8088 # mine\nLOKI_REPLICAS=\nWEB_DIGEST=\n",
        "GRAFANA_PASSWORD='pa$word'\nLOG_LEVEL=\"DEBUG\"\nexport COMPOSE_PROJECT_NAME=mine\n",
        (ROOT / ".env.example").read_text(),
    ],
)
def test_settings_give_the_hashes_of_compose_alone(checkout: Checkout, lines: str) -> None:
    checkout.write(".env", lines)
    assert checkout.project().config_hashes() == checkout.plain()


@pytest.mark.parametrize("line", ["LB_PORT=08088", "GRAFANA_PASSWORD=pa$word"])
def test_value_that_compose_reads_otherwise_is_refused(checkout: Checkout, line: str) -> None:
    checkout.write(".env", line)
    with pytest.raises(SettingsError):
        checkout.project()


@pytest.mark.parametrize("name", ["docker-compose.override.yml", "mine.yml"])
def test_users_own_file_counts_with_the_command_line_too(checkout: Checkout, name: str) -> None:
    before = checkout.plain()
    checkout.write(name, "services: {web: {environment: {EXTRA: 1}}}\n")
    if name == "mine.yml":
        checkout.write(".env", f"COMPOSE_FILE=docker-compose.yml:{name}\n")
    hashes = checkout.project().config_hashes()
    assert hashes == checkout.plain()
    assert hashes["web"] != before["web"]


def test_what_a_start_finds_out_is_for_compose_alone_too(checkout: Checkout) -> None:
    host = {"DOCKER_SOCKET": "/run/mine.sock", "GRAFANA_REPLICAS": "0"}
    project = checkout.project().with_variables(host)
    before = checkout.plain()
    project.record()
    assert project.config_hashes() == checkout.plain()
    assert {name for name, value in checkout.plain().items() if value != before[name]} == {
        *("docker-proxy", "control", "init-config"),
    }


def test_next_start_finds_out_again(checkout: Checkout) -> None:
    checkout.project().with_variables({"GRAFANA_REPLICAS": "0"}).record()
    file = checkout.folder / ".env"
    assert settings.load({}, file).replicas.grafana == 0
    assert settings.load({}, file, for_start=True).replicas.grafana == 1


def test_variables_of_the_shell_alone_are_named(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.write(".env", "LOG_LEVEL=DEBUG\n")
    for name, value in {"LB_PORT": "8088", "LOG_LEVEL": "DEBUG", "GRAFANA_PORT": "3000"}.items():
        monkeypatch.setenv(name, value)
    project = ComposeProject(settings.load(os.environ, checkout.folder / ".env"))
    assert project.shell_variables() == ["LB_PORT"]
