"""`alertdrill build-collector` builds the components of collector.yml, in the image's version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from alertdrill.config.settings import ImageVersions
from alertdrill.toolchain.collector import PROGRAM

ROOT = Path(__file__).parents[2]
BUILD: dict[str, Any] = yaml.safe_load((ROOT / "loki" / "collector-build.yml").read_text())
COLLECTOR = yaml.safe_load((ROOT / "loki" / "collector.yml").read_text())
# The kinds of modules, and the ending of their paths; a storage extension has none.
KINDS = {
    "receivers": "receiver",
    "processors": "processor",
    "exporters": "exporter",
    "extensions": "(extension)?",
}
# `env` for variables, `file` for --config, `yaml` for the command `validate`.
PROVIDERS = {"envprovider", "fileprovider", "yamlprovider"}


def modules(kind: str) -> dict[str, str]:
    """Return the version of each module of a kind, by the last part of its path."""
    pairs = [entry["gomod"].split() for entry in BUILD[kind]]
    return {path.rpartition("/")[2]: version for path, version in pairs}


def test_components_are_those_in_use() -> None:
    for kind, ending in KINDS.items():
        built = {re.sub(f"{ending}$", "", name) for name in modules(kind)}
        assert built == {name.replace("_", "") for name in COLLECTOR[kind]}
    assert set(modules("providers")) == PROVIDERS
    assert set(COLLECTOR) == {*KINDS, "service"}  # nothing of another kind is used
    assert set(BUILD) == {*KINDS, "providers", "dist"}


def test_version_is_the_images() -> None:
    image, _, _ = ImageVersions().collector.partition("@")
    assert BUILD["dist"]["version"] == image
    assert {version for kind in KINDS for version in modules(kind).values()} == {f"v{image}"}


def test_providers_belong_to_the_version() -> None:
    # Modules of the core that are stable count from 1.0, which came with 0.94.
    minor = int(BUILD["dist"]["version"].split(".")[1]) - 94
    assert set(modules("providers").values()) == {f"v1.{minor}.0"}


def test_program_has_the_expected_name() -> None:
    assert BUILD["dist"]["name"] == PROGRAM
