"""The images of our services: small, without tools, and not run as root."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from alertdrill.config.settings import StackSettings
from tests.e2e.images.conftest import Docker
from tests.e2e.stack import poll_until

pytestmark = pytest.mark.engine
SERVICES = ("web", "data-service", "responder")
Inspect = Callable[[str], dict[str, Any]]
# Beyond the base image and what is installed, the code is all that there should be.
MAX_GROWTH = 1.35
UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
# What an attacker would look for.
TOOLS = ("pip", "pip3", "gcc", "curl", "wget", "apt-get")


@pytest.fixture(params=SERVICES)
def image(request: pytest.FixtureRequest, settings: StackSettings, inspect: Inspect) -> str:
    name = settings.image(request.param)
    inspect(name)
    return name


def test_user_is_a_number_and_not_root(image: str, inspect: Inspect) -> None:
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", inspect(image)["Config"]["User"])


def test_commands_need_no_shell(image: str, inspect: Inspect) -> None:
    config = inspect(image)["Config"]
    assert config["Cmd"][0] == "python"
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "python"]
    assert config["Labels"]["org.opencontainers.image.title"].startswith("Alertdrill: ")
    assert config["StopSignal"] == "SIGTERM"


def test_environment_has_no_tools(image: str, docker: Docker) -> None:
    programs = docker("run", "--rm", "--entrypoint", "ls", image, "/venv/bin").split()
    assert [tool for tool in TOOLS if tool in programs] == []
    cache = ["sh", "-c", "ls -d ~root/.cache /tmp/* /app/.git 2>/dev/null || true"]
    assert docker("run", "--rm", "--user", "0", "--entrypoint", *cache[:1], image, *cache[1:]) == ""


def test_image_has_no_compiler(image: str, docker: Docker) -> None:
    search = "for tool in gcc cc make; do command -v $tool; done; true"
    assert docker("run", "--rm", "--entrypoint", "sh", image, "-c", search) == ""


def test_image_is_hardly_larger_than_base_packages_and_code(
    image: str, docker: Docker, inspect: Inspect, settings: StackSettings
) -> None:
    base = inspect(f"python:{settings.versions.python}")["Size"]
    measured = docker("run", "--rm", "--entrypoint", "du", image, "-sb", "/venv")
    assert inspect(image)["Size"] <= MAX_GROWTH * (base + int(measured.split()[0]))


def test_code_comes_last_and_is_small(image: str, docker: Docker) -> None:
    rows = docker("history", "--format", "{{.Size}}\t{{.CreatedBy}}", "--no-trunc", image)
    layers = [line.split("\t") for line in rows.splitlines()]
    venv = next(at for at, (_, command) in enumerate(layers) if "/venv /venv" in command)
    assert sum(size(text) for text, _ in layers[:venv]) < 1e6


def size(text: str) -> float:
    match = re.fullmatch(r"([0-9.]+)([kMG]?B)", text)
    assert match
    return float(match[1]) * UNITS[match[2]]


def test_service_runs_on_a_read_only_root(image: str, docker: Docker) -> None:
    limits = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none"]
    variables = ["--env", "RESPONDER_DB=/tmp/responder.sqlite", "--env", "PORT=5000"]
    name = docker("run", "--detach", *limits, *variables, image).strip()
    try:
        form = "{{.State.Health.Status}}"
        poll_until(
            lambda: docker("inspect", "--format", form, name).strip() == "healthy",
            f"{image} to be healthy",
            30,
        )
    finally:
        docker("rm", "--force", name)
