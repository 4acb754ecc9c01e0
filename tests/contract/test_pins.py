"""Requirements are pinned by hash, images by tag, and the project has one version."""

from __future__ import annotations

import re
import tomllib
from itertools import combinations
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from alertdrill import VERSION

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
INPUTS = sorted((ROOT / "requirements").glob("*.in"))
FOREIGN = ROOT / "requirements/foreign.txt"
CONTAINERS = ["**/Dockerfile*", "**/*compose*.yml", "deploy/**/*.yml"]


def name(file: Path) -> str:
    return file.name


def entries(lock: Path) -> list[str]:
    """Return a lock file's logical lines, without comments."""
    whole = lock.read_text().replace("\\\n", " ")
    return [line.strip() for line in whole.splitlines() if not re.match(r"\s*(#|$)", line)]


def images() -> set[tuple[str, str]]:
    """Return every image that a container file names, with the file."""
    files = {file for pattern in CONTAINERS for file in ROOT.glob(pattern)}
    ours = [file for file in files if not file.relative_to(ROOT).parts[0].startswith(".venv")]
    return {(file.name, image) for file in ours for image in images_in(file.read_text())}


def images_in(text: str) -> set[str]:
    """Return the images that a Dockerfile or a compose file starts from."""
    named = r"^\s*(?:FROM|image:)\s+(?:--\S+ )?[\"']?([^\s\"'#]+)"
    stages = re.findall(r"^FROM .* AS (\S+)", text, re.MULTILINE | re.IGNORECASE)
    return set(re.findall(named, text, re.MULTILINE)).difference(stages, ["scratch"])


def loose(image: str) -> bool:
    # A variable, or a stage named by one, is pinned where the variable is set.
    chosen = re.fullmatch(r"[\w-]*\$(\{\w+\}|\$\w+)", image)
    return chosen is None and re.fullmatch(r"[^:@]+(:latest)?", image) is not None


def test_every_requirements_file_has_its_lock() -> None:
    assert LOCKS
    assert {file.stem for file in LOCKS} == {"alertdrill", *(file.stem for file in INPUTS)}


@pytest.mark.parametrize("lock", LOCKS, ids=name)
def test_every_requirement_has_a_hash(lock: Path) -> None:
    pin = re.compile(r"[\w.-]+(\[[\w,-]+\])?==\S+( ;.*?)?(\s+--hash=sha256:[0-9a-f]{64})+")
    assert [entry for entry in entries(lock) if not pin.fullmatch(entry)] == []


@pytest.mark.parametrize("file", [*LOCKS, *INPUTS], ids=name)
def test_requirements_name_no_index(file: Path) -> None:
    # The machine that installs chooses the index.
    assert re.findall(r"\S*://\S*|--\S*index|--find-links", file.read_text()) == []


@pytest.mark.parametrize("file", INPUTS, ids=name)
def test_lock_has_every_requirement(file: Path) -> None:
    locked = {
        canonicalize_name(re.split(r"[\[=]", e)[0]) for e in entries(file.with_suffix(".txt"))
    }
    required = [entry for entry in entries(file) if not entry.startswith("-")]
    assert {canonicalize_name(Requirement(entry).name) for entry in required} <= locked


def test_lock_of_the_project_holds_its_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    build = project["build-system"]["requires"]
    assert build == project["dependency-groups"]["build"]
    locked = {name for name, _ in pins(ROOT / "requirements/alertdrill.txt")}
    required = [*project["project"]["dependencies"], *build]
    assert {canonicalize_name(Requirement(entry).name) for entry in required} <= locked


def test_lock_of_the_foreign_applications_holds_what_telemetry_needs() -> None:
    project = tomllib.loads((ROOT / "telemetry/pyproject.toml").read_text())
    locked = {name for name, _ in pins(FOREIGN)}
    required = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    assert {canonicalize_name(Requirement(entry).name) for entry in required} <= locked


def pins(lock: Path) -> set[tuple[str, str]]:
    # Without markers, since locks may need a package for different Pythons.
    return set(re.findall(r"^([\w.-]+)(==[^\s;\\]+)", lock.read_text(), re.MULTILINE))


# The foreign applications have an environment of their own. They agree with the services' lock, so
# that telemetry runs on the same versions; our tools may need newer ones of other packages.
APART = [{FOREIGN, ROOT / f"requirements/{tools}.txt"} for tools in ("alertdrill", "dev")]
TOGETHER = [pair for pair in combinations(LOCKS, 2) if set(pair) not in APART]


@pytest.mark.parametrize(("first", "second"), TOGETHER, ids=name)
def test_locks_agree_on_shared_versions(first: Path, second: Path) -> None:
    shared = {name for name, _ in pins(first)} & {name for name, _ in pins(second)}
    assert {(name, pin) for name, pin in pins(first) ^ pins(second) if name in shared} == set()


def test_images_are_pinned_by_tag() -> None:
    assert {(file, image) for file, image in images() if loose(image)} == set()


def test_unpinned_images_are_detected() -> None:
    dockerfile = "FROM python:3.11-slim AS base\nFROM base AS dev\nFROM debian\n"
    compose = "services:\n  a:\n    image: grafana/grafana:latest\n  b:\n    image: x:1\n"
    images = images_in(dockerfile) | images_in(compose)
    assert {image for image in images if loose(image)} == {"debian", "grafana/grafana:latest"}


def test_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_services_have_what_every_server_needs() -> None:
    extras = tomllib.loads((ROOT / "telemetry/pyproject.toml").read_text())["project"]
    needed = {
        canonicalize_name(Requirement(entry).name)
        for entries_of_extra in extras["optional-dependencies"].values()
        for entry in entries_of_extra
    }
    locked = {name for name, _ in pins(ROOT / "requirements/services.txt")}
    assert needed - locked == {"gevent"}  # a service lists this itself
