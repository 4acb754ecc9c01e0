"""Each part imports only what the table of the architecture allows."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = {"apps", "alerting", "alertdrill", "deploy", "docs", "grafana", "loadtests", "tests"}
# The parts of our code that each part may import. A service is a folder of apps/ besides telemetry.
PARTS = {
    "apps/telemetry": ["apps.telemetry"],
    "alerting": ["alerting", "apps.telemetry"],
    "alertdrill": ["alertdrill"],
    # The image builder.
    "deploy": ["alertdrill", "deploy"],
    # It describes all of them.
    "docs": ["alerting", "alertdrill", "apps", "deploy", "docs"],
    "grafana": ["grafana"],
    "loadtests": ["loadtests"],
    "tests": ["alerting", "apps", "alertdrill", "deploy", "docs", "grafana", "loadtests", "tests"],
    **{
        f"apps/{file.parent.name}": [f"apps.{file.parent.name}", "apps.telemetry"]
        for file in (ROOT / "apps").glob("*/__init__.py")
        if file.parent.name != "telemetry"
    },
}
# Only telemetry and Locust declare metrics; the tests and the reference read them.
METRICS = {"prometheus_client", "prometheus_flask_exporter"}
METRICS_ALLOWED = ["apps/telemetry", "docs", "loadtests", "tests"]
# They run before anything is installed.
BEFORE_INSTALLATION = [
    "alertdrill/__init__.py",
    "alertdrill/bootstrap.py",
    "alertdrill/errors.py",
    "alertdrill/file_lock.py",
    *(str(file.relative_to(ROOT)) for file in (ROOT / "alertdrill/toolchain").rglob("*.py")),
]


def files(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """Yield the full name of every module that a file imports, however late."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, *filter(None, [node.module])))
            yield from (f"{module}.{name.name}" for name in node.names)


def inside(module: str, allowed: Iterable[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


def forbidden(file: Path, allowed: Iterable[str]) -> list[str]:
    """Return the imports of our code that a file may not have."""
    ours = [module for module in imports(file) if inside(module, OURS)]
    return [module for module in ours if not inside(module, allowed)]


def test_table_covers_all_our_code() -> None:
    code = {file for folder in OURS for file in files(folder)}
    covered = {file for part in PARTS for file in files(part)}
    assert code - covered == {ROOT / "apps/__init__.py"}
    assert {"apps/web", "apps/data_service"} <= PARTS.keys()


@pytest.mark.parametrize("part", PARTS)
def test_package_imports_only_what_it_may(part: str) -> None:
    broken = {str(file.relative_to(ROOT)): forbidden(file, PARTS[part]) for file in files(part)}
    assert {file: modules for file, modules in broken.items() if modules} == {}


@pytest.mark.parametrize("part", sorted(PARTS.keys() - METRICS_ALLOWED))
def test_no_other_part_imports_prometheus_client(part: str) -> None:
    importers = {
        str(file.relative_to(ROOT))
        for file in files(part)
        for module in imports(file)
        if inside(module, METRICS)
    }
    assert importers == set()


@pytest.mark.parametrize("name", BEFORE_INSTALLATION)
def test_bootstrap_needs_standard_library_only(name: str) -> None:
    # The package itself is on the list too, but its name would allow everything in it.
    allowed = {*sys.stdlib_module_names, *map(module_name, BEFORE_INSTALLATION)} - {"alertdrill"}
    assert [module for module in imports(ROOT / name) if not inside(module, allowed)] == []


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
