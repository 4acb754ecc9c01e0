"""The images that can be made here are those that docker-compose.yml asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alertdrill.images.catalogue import IMAGES, OURS, OURS_VARIABLE

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "apps/Dockerfile").read_text()


def asked() -> set[tuple[str, str]]:
    """Return every (repository, variable of its tag) that Compose or our recipe names."""
    composed = re.findall(r"image: ([\w./-]+):\$\{(\w+):-", COMPOSE)
    built = re.findall(r"^FROM ([\w./-]+):\$\{(\w+)\}", DOCKERFILE, re.MULTILINE)
    return {*composed, *built}


def test_every_image_can_be_made_or_moved() -> None:
    ours = {(name, OURS_VARIABLE) for name in OURS}
    made = {(image.repository, image.variable) for image in IMAGES}
    # The tests need no host without a network.
    assert asked() - {("alertdrill/test", OURS_VARIABLE)} == made | ours


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.repository)
def test_each_has_its_recipe(image: object) -> None:
    recipe = ROOT / "deploy/airgap" / getattr(image, "recipe", "") / "Dockerfile"
    assert "FROM ${BASE}" in recipe.read_text() or "FROM scratch" in recipe.read_text()
