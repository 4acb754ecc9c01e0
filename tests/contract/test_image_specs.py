"""The images that we can build or move are those that docker-compose.yml uses."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from alertdrill.config.settings import (
    LOCAL_REGISTRY,
    ImageVersions,
    StackSettings,
    digest_variable,
    own_images,
)
from alertdrill.runtimes.select import has_compose
from deploy.airgap.images import IMAGES, OWN_VERSION_VARIABLE
from tests.contract.compose_files import SERVICES, TEXT

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "apps/Dockerfile").read_text()
DIGEST = f"sha256:{'0' * 64}"
HAS_COMPOSE = has_compose()


def third_party() -> set[tuple[str, str]]:
    """Return each (repository, variable of its tag) that Compose or our recipe names."""
    composed = re.findall(r"image: ([\w./-]+):\$\{(\w+):-", TEXT)
    built = re.findall(r"^FROM ([\w./-]+):\$\{(\w+)\}", DOCKERFILE, re.MULTILINE)
    return {*composed, *built} - {(f"{LOCAL_REGISTRY}/test", OWN_VERSION_VARIABLE)}


def images(**variables: str) -> set[str]:
    """Return each image that Compose would pull or build, as Compose itself reads the file."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    command = ["docker", "compose", "--env-file", os.devnull, "config", "--images"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ValueError(done.stderr)
    return set(done.stdout.split())


def test_every_image_can_be_made_or_moved() -> None:
    assert third_party() == {(image.repository, image.variable) for image in IMAGES}


def test_own_images_have_a_name_that_no_registry_serves() -> None:
    built = [service["image"] for service in SERVICES.values() if "build" in service]
    assert len(built) > len(own_images())
    local = re.compile(r"(\$\{REGISTRY:-alertdrill\.invalid\}|alertdrill\.invalid)/")
    assert [image for image in built if not local.match(image)] == []
    assert LOCAL_REGISTRY == "alertdrill.invalid"


@pytest.mark.skipif(not HAS_COMPOSE, reason="needs Docker Compose")
def test_compose_asks_no_registry_for_our_images() -> None:
    versions = asdict(ImageVersions())
    expected = {
        f"{image.repository}:{versions[image.variable.removesuffix('_VERSION').lower()]}"
        for image in IMAGES
    }
    ours = {StackSettings(home=ROOT).image(name) for name in own_images()}
    assert images() - expected == ours


@pytest.mark.skipif(not HAS_COMPOSE, reason="needs Docker Compose")
def test_compose_pulls_our_images_by_digest_from_a_registry() -> None:
    digests = {digest_variable(name): DIGEST for name in own_images()}
    ours = {image for image in images(REGISTRY="example.com/team", **digests) if "team" in image}
    assert ours == {f"example.com/team/{name}:0.1.0@{DIGEST}" for name in own_images()}


@pytest.mark.skipif(not HAS_COMPOSE, reason="needs Docker Compose")
def test_registry_without_a_digest_is_refused_with_the_variable() -> None:
    ours = {image for image in images(REGISTRY="example.com/team") if "example.com" in image}
    unset = {f"sha256:{digest_variable(name)}-is-not-set" for name in own_images()}
    assert {image.partition("@")[2] for image in ours} == unset


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.repository)
def test_each_image_has_its_recipe(image: object) -> None:
    recipe = ROOT / "deploy/airgap" / getattr(image, "recipe", "") / "Dockerfile"
    assert "FROM ${BASE}" in recipe.read_text() or "FROM scratch" in recipe.read_text()
