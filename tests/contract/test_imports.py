"""Who may import whom: the design's table, as data."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = {"apps", "alerting", "alertdrill", "docs", "grafana", "loadtests", "tests"}
# What of our code each part may import. A service is a folder of apps/ beside telemetry.
PARTS = {
    "apps/telemetry": ["apps.telemetry"],
    "alerting": ["alerting", "apps.telemetry"],
    "alertdrill": ["alertdrill"],
    # It describes all of them.
    "docs": ["alerting", "alertdrill", "apps", "docs"],
    "grafana": ["grafana"],
    "loadtests": ["loadtests"],
    "tests": ["alerting", "apps", "alertdrill", "docs", "grafana", "loadtests", "tests"],
    **{
        f"apps/{file.parent.name}": [f"apps.{file.parent.name}", "apps.telemetry"]
        for file in (ROOT / "apps").glob("*/__init__.py")
        if file.parent.name != "telemetry"
    },
}
# These alone know of metrics; the tests and the reference look at what they made of them.
METRICS = {"prometheus_client", "prometheus_flask_exporter"}
KNOW_METRICS = ["apps/telemetry", "docs", "tests"]
# They run before anything is installed.
BEFORE_INSTALLATION = [
    "alertdrill/__init__.py",
    "alertdrill/bootstrap.py",
    "alertdrill/errors.py",
    "alertdrill/stamp.py",
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


def foreign(file: Path, allowed: Iterable[str]) -> list[str]:
    """Return what a file imports of our code and may not."""
    ours = [module for module in imports(file) if inside(module, OURS)]
    return [module for module in ours if not inside(module, allowed)]


def test_table_covers_all_our_code() -> None:
    code = {file for folder in OURS for file in files(folder)}
    covered = {file for part in PARTS for file in files(part)}
    assert code - covered == {ROOT / "apps/__init__.py"}
    assert {"apps/web", "apps/data_service"} <= PARTS.keys()


@pytest.mark.parametrize("part", PARTS)
def test_part_imports_what_it_may(part: str) -> None:
    broken = {str(file.relative_to(ROOT)): foreign(file, PARTS[part]) for file in files(part)}
    assert {file: modules for file, modules in broken.items() if modules} == {}


@pytest.mark.parametrize("part", sorted(PARTS.keys() - KNOW_METRICS))
def test_metrics_are_imported_by_telemetry_alone(part: str) -> None:
    found = {
        str(file.relative_to(ROOT))
        for file in files(part)
        for module in imports(file)
        if inside(module, METRICS)
    }
    assert found == set()


@pytest.mark.parametrize("name", BEFORE_INSTALLATION)
def test_bootstrap_needs_standard_library_only(name: str) -> None:
    # The package itself is on the list too, but its name would let everything in it pass.
    allowed = {*sys.stdlib_module_names, *map(module_name, BEFORE_INSTALLATION)} - {"alertdrill"}
    assert [module for module in imports(ROOT / name) if not inside(module, allowed)] == []


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
