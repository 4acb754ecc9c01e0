"""Every variable that code reads is documented, and every documented variable is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values

from alertdrill.config import settings as stack_settings
from alertdrill.config.services import SERVICES
from alertdrill.config.settings import digest_variable, parse
from docs.generate import settings
from docs.generate.find_variables import Variable, variables

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIGURATIONS = [
    "docker-compose.yml",
    "deploy/compose/services.yml",
    "lb/*.cfg",
    "deploy/compose/*.cfg",
    "prometheus/**/*.yml",
    "loki/*.yml",
    "grafana/provisioning/**/*.yml",
]
# `${NAME}`, `$NAME` and `${env:NAME}`, and HAProxy's env(NAME).
REFERENCE = re.compile(r"(?<!\$)\$\{?(?:env:)?([A-Z][A-Z0-9_]+)|\benv\(([A-Z_]+)\)")
# Empty: the cache folder depends on the user, our images are built here, and other repositories
# declare no services.
WITHOUT_DEFAULT = {
    *("ALERTDRILL_CACHE", "REGISTRY", "RESPONDER_DIGEST", "TOOLS_DIGEST", "SERVICES_FILES"),
}
# Its comments name these: each service has one.
OF_SERVICES = set(map(digest_variable, SERVICES))


@pytest.fixture
def example(root: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(root / ".env.example").items()}


@pytest.fixture
def documented() -> set[str]:
    return settings.documented()


def text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def calls(folders: list[str]) -> Iterator[Variable]:
    """Yield every variable that code reads by its name, with the default."""
    return variables(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def in_configurations() -> set[str]:
    files = [file for pattern in CONFIGURATIONS for file in ROOT.glob(pattern)]
    references = [groups for file in files for groups in REFERENCE.findall(text(file))]
    return {name for groups in references for name in groups if name}


def of_services() -> set[str]:
    """Return the variables that services declare for themselves."""
    return {name for service in SERVICES.values() for name in service.env}


def of_code() -> set[str]:
    return {name for name, _ in calls(["telemetry", "apps", "alerting", "alertdrill"])}


def test_example_has_every_setting(example: dict[str, str]) -> None:
    assert set(example) == set(stack_settings.variables()) - OF_SERVICES


def test_example_shows_the_defaults(example: dict[str, str]) -> None:
    assert parse(example) == parse({})
    assert {name for name, value in example.items() if not value} == WITHOUT_DEFAULT


def test_example_explains_each_setting(root: Path) -> None:
    lines = text(root / ".env.example").splitlines()
    settings = [number for number, line in enumerate(lines) if re.match(r"\w+=", line)]
    assert [lines[at] for at in settings if not re.match(r"# .+\.$", lines[at - 1])] == []


def test_every_variable_is_documented(example: dict[str, str], documented: set[str]) -> None:
    read = of_code() | in_configurations()
    assert {"SERVICE", "RESPONDER_DB", "LB_SOCKET", "XDG_CACHE_HOME"} <= read
    assert read - set(example) - OF_SERVICES - documented - of_services() == set()


def test_every_instance_variable_is_documented(documented: set[str]) -> None:
    # Some have a namesake in .env.example, which is about the whole stack.
    read = {name for name, _ in calls(["apps", "alerting"])}
    assert read - documented - of_services() == set()


def test_everything_documented_is_read(documented: set[str]) -> None:
    assert documented - of_code() - in_configurations() == set()
