"""Each part imports only what the table of the architecture allows, and nothing in a circle."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = {
    *("alertdrill_telemetry", "apps", "alerting", "alertdrill", "deploy", "docs", "grafana"),
    *("loadtests", "tests"),
}
# The parts of our code that each part may import. A service is a folder of apps/.
PARTS = {
    "telemetry": ["alertdrill_telemetry"],
    "alerting": ["alerting", "alertdrill_telemetry"],
    "alertdrill": ["alertdrill"],
    "alertdrill/control": ["alertdrill", "alertdrill_telemetry"],
    # The image builder.
    "deploy": ["alertdrill", "deploy"],
    # It describes all of them.
    "docs": ["alerting", "alertdrill", "alertdrill_telemetry", "apps", "deploy", "docs"],
    "grafana": ["grafana"],
    "loadtests": ["loadtests"],
    "tests": sorted(OURS),
    **{
        f"apps/{file.parent.name}": [f"apps.{file.parent.name}", "alertdrill_telemetry"]
        for file in (ROOT / "apps").glob("*/__init__.py")
    },
}
# Only telemetry and Locust declare metrics; the tests and the reference read them.
METRICS = {"prometheus_client", "prometheus_flask_exporter"}
METRICS_ALLOWED = ["telemetry", "docs", "loadtests", "tests"]
# The packages and modules of the engine, from the top. Each may import its own layer and those
# below; no two import each other.
LAYERS = [
    {"__main__", "cli"},
    {"drills", "load", "audit", "kill_matrix", "logs", "control", "scaffold", "service_check"},
    {"runtimes", "clients", "report", "timescale", "toolchain", "bootstrap"},
    {"config"},
    {"errors", "file_lock", "interrupts", "venv_stamp"},
]
RUNTIMES = {"native", "compose", "swarm"}
# The modules outside of the runtimes that know one from the inside, and what for.
KNOW_A_RUNTIME = {
    "alertdrill.cli.build": "it pushes the images of containers",
    "alertdrill.cli.check_service": "it prepares an instance as a process",
    "alertdrill.cli.check": "it starts the Loki of processes alone",
    "alertdrill.cli.doctor": "it checks the ports that containers publish",
    "alertdrill.cli.drill": "it runs itself in a container",
    "alertdrill.cli.kill_matrix": "it runs itself in a container",
    "alertdrill.load.locust": "it runs Locust beside the processes, or in containers",
    "alertdrill.service_check.checks": "it loads the application as a process",
    "alertdrill.service_check.instance": "it starts an instance as a process",
}
# They run before anything is installed.
BEFORE_INSTALLATION = [
    "alertdrill/__init__.py",
    "alertdrill/interrupts.py",
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
    inner = [ROOT / other for other in PARTS if other.startswith(f"{part}/")]
    own = [file for file in files(part) if not any(map(file.is_relative_to, inner))]
    broken = {str(file.relative_to(ROOT)): forbidden(file, PARTS[part]) for file in own}
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


@cache
def engine_imports() -> Mapping[str, set[str]]:
    """Return the modules of the engine that each of its modules imports, however late."""
    modules = {module_name(str(file.relative_to(ROOT))): file for file in files("alertdrill")}
    graph = {}
    for name, file in modules.items():
        # `from .base import Instance` imports the module; `from . import base` does too.
        imported = {full if full in modules else full.rpartition(".")[0] for full in imports(file)}
        graph[name] = (imported & modules.keys()) - {name}
    return graph


def child(module: str) -> str:
    """Return the package or module of the engine that has this module; empty for the engine."""
    return f"{module}.".split(".")[1]


def runtime(module: str) -> str:
    """Return the runtime that a module belongs to; empty for a module of all, or of none."""
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["runtimes"] and {*parts[2:3]} <= RUNTIMES else ""


def cycle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return modules that import each other in a circle; empty if there are none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_cycle_is_found() -> None:
    assert set(cycle({"a": ["b"], "b": ["c"], "c": ["b"]})) == {"b", "c"}
    assert cycle({"a": ["b", "c"], "b": ["c"]}) == []


def test_layers_have_all_of_the_engine() -> None:
    assert {child(module) for module in engine_imports()} - {""} - set().union(*LAYERS) == set()


def test_engine_imports_downwards_only() -> None:
    depth = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    upwards = {
        (module, other)
        for module, others in engine_imports().items()
        for other in others
        if child(module) and child(other) and depth[child(other)] < depth[child(module)]
    }
    assert upwards == set()


def test_no_modules_import_each_other() -> None:
    assert cycle(engine_imports()) == []


def test_no_packages_import_each_other() -> None:
    graph: dict[str, set[str]] = {}
    for module, others in engine_imports().items():
        graph.setdefault(child(module), set()).update(map(child, others))
    assert cycle({name: others - {name, ""} for name, others in graph.items() if name}) == []


def test_no_runtime_imports_a_sibling() -> None:
    siblings = {
        (module, other)
        for module, others in engine_imports().items()
        for other in others
        if runtime(module) and runtime(other) not in ("", runtime(module))
    }
    assert siblings == set()


def test_only_named_modules_know_a_runtime_from_the_inside() -> None:
    insiders = {
        module
        for module, others in engine_imports().items()
        if child(module) != "runtimes" and any(map(runtime, others))
    }
    assert insiders == KNOW_A_RUNTIME.keys()
