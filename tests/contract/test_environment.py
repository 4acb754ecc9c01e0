"""Every variable that is read is documented, and what is documented is read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values

from alertdrill.settings import SERVICES, parse

ROOT = Path(__file__).resolve().parent.parent.parent
# The methods of `Environment` in apps/telemetry and of the reader in alertdrill/settings.py.
READERS = {"text", "secret", "integer", "number", "flag", "url", "path", "choice", "address"}
CONFIGURATIONS = [
    "docker-compose.yml",
    "lb/*.cfg",
    "deploy/compose/*.cfg",
    "prometheus/**/*.yml",
    "loki/*.yml",
    "grafana/provisioning/**/*.yml",
]
# `${NAME}`, `$NAME` and `${env:NAME}`, as the programs write it, and HAProxy's env(NAME).
REFERENCE = re.compile(r"\$\{?(?:env:)?([A-Z][A-Z0-9_]+)|\benv\(([A-Z_]+)\)")
# Empty, because it depends on whose cache folder it is.
WITHOUT_DEFAULT = {"ALERTDRILL_CACHE"}
Rows = dict[str, list[str]]


class Recorded(dict[str, str]):
    """Variables that are all unset, and remember who asked."""

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        self[name] = default
        return default


@pytest.fixture
def example(root: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(root / ".env.example").items()}


@pytest.fixture
def documented(root: Path) -> Rows:
    """Return the variables of docs/reference/settings.md with the rest of each of their rows.

    One that several programs read has a row in several tables.
    """
    page = text(root / "docs/reference/settings.md")
    rows = re.findall(r"^\|((?: `[A-Z0-9_]+`)+) \|(.*)", page, re.M)
    found: Rows = {}
    for names, rest in rows:
        for name in re.findall(r"`(\w+)`", names):
            found.setdefault(name, []).append(rest)
    return found


def text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def calls(folders: list[str]) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield every variable that code reads by its name, with the default."""
    for file in (file for folder in folders for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(text(file))):
            found = _call(node) or _subscript(node)
            if found and re.fullmatch(r"[A-Z][A-Z0-9_]+", found[0]):
                yield found


def _call(node: ast.AST) -> tuple[str, ast.expr | None] | None:
    """Match `env.integer("PORT", 5000)` and `os.environ.get("PORT")`."""
    match node:
        case ast.Call(func=ast.Attribute(value=of, attr=attr), args=[ast.Constant(str(name)), *_]):
            default = node.args[1] if len(node.args) > 1 else None
            flags = (word.value for word in node.keywords if word.arg == "default")
            is_read = attr in READERS or (attr == "get" and ast.unparse(of).endswith("environ"))
            return (name, default or next(flags, None)) if is_read else None
    return None


def _subscript(node: ast.AST) -> tuple[str, None] | None:
    """Match `os.environ["PORT"]`."""
    match node:
        case ast.Subscript(value=of, slice=ast.Constant(str(name))):
            return (name, None) if ast.unparse(of) == "os.environ" else None
    return None


def in_configurations() -> set[str]:
    files = [file for pattern in CONFIGURATIONS for file in ROOT.glob(pattern)]
    found = [groups for file in files for groups in REFERENCE.findall(text(file))]
    return {name for groups in found for name in groups if name}


def of_services() -> set[str]:
    """Return what the services have in files of their own, which explain it."""
    return {name for service in SERVICES.values() for name in service.environment}


def of_code() -> set[str]:
    return {name for name, _ in calls(["apps", "alerting", "alertdrill"])}


def test_example_has_every_setting(example: dict[str, str]) -> None:
    read = Recorded()
    parse(read)
    assert set(example) == set(read)


def test_example_shows_the_defaults(example: dict[str, str]) -> None:
    assert parse(example) == parse({})
    assert {name for name, value in example.items() if not value} == WITHOUT_DEFAULT


def test_example_explains_each_setting(root: Path) -> None:
    lines = text(root / ".env.example").splitlines()
    settings = [number for number, line in enumerate(lines) if re.match(r"\w+=", line)]
    assert [lines[at] for at in settings if not re.match(r"# .+\.$", lines[at - 1])] == []


def test_every_variable_is_documented(example: dict[str, str], documented: Rows) -> None:
    read = of_code() | in_configurations()
    assert {"SERVICE", "RESPONDER_DB", "LB_SOCKET", "XDG_CACHE_HOME"} <= read
    assert read - set(example) - set(documented) - of_services() == set()


def test_every_instance_variable_has_a_row(documented: Rows) -> None:
    # Some have a namesake in .env.example, which is about the whole stack.
    read = {name for name, _ in calls(["apps", "alerting"])}
    assert read - set(documented) - of_services() == set()


def test_everything_documented_is_read(documented: Rows) -> None:
    assert set(documented) - of_code() - in_configurations() == set()


def test_documented_defaults_are_the_codes(documented: Rows) -> None:
    defaults = {name: shown(default) for name, default in calls(["apps", "alerting"])}
    known = {name: default for name, default in defaults.items() if default is not None}
    assert len(known) > 10
    told = {name: [rest.split("|")[0].strip(" `") for rest in documented[name]] for name in known}
    assert {name: told[name] for name in known if known[name] not in told[name]} == {}


def shown(default: ast.expr | None) -> str | None:
    """Return a default as the table shows it, None where it is not a constant."""
    if default is None or any(isinstance(node, ast.Name) for node in ast.walk(default)):
        return None
    value = eval(compile(ast.Expression(default), "default", "eval"), {})  # such as 1024 * 1024
    return str(int(value)) if isinstance(value, bool) else str(value) or "empty"
