"""The status of every image that the stack needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..image_versions import ImageVersions
from ..settings import LOCAL_REGISTRY, OWN_IMAGES, StackSettings
from .docker_cli import DockerCli
from .inventory import InventoryRow
from .specs import IMAGES, OWN_VERSION_VARIABLE, PULL_POLICY


@dataclass(frozen=True)
class ImageStatus:
    """An image that the stack wants: its name, what sets its tag, and the engine's word on it.

    `reference` is the name with the digest, where one is pinned; only a registry knows digests.
    `optional` is the variable that leaves it out, and `wanted` whether it does not.
    """

    reference: str
    variable: str
    optional: str
    required: bool
    details: Mapping[str, Any] | None

    @property
    def name(self) -> str:
        """Return the name without the digest; one of ours is moved under its local name."""
        name = self.reference.partition("@")[0]
        return f"{LOCAL_REGISTRY}/{name.rpartition('/')[2]}" if self.is_own else name

    @property
    def tag(self) -> str:
        """Return the tag in the name."""
        return self.name.rpartition(":")[2]

    @property
    def is_own(self) -> bool:
        """Return whether it is built from apps/Dockerfile."""
        return self.variable == OWN_VERSION_VARIABLE

    @property
    def is_missing(self) -> bool:
        """Return whether the settings need the image and the engine does not have it."""
        return self.details is None and self.required and not self.is_own


def image_status(engine: DockerCli, settings: StackSettings) -> Sequence[ImageStatus]:
    """Return the status of every image of the stack."""
    versions = {f"{name.upper()}_VERSION": tag for name, tag in asdict(settings.versions).items()}
    counts = {f"{name.upper()}_REPLICAS": n for name, n in asdict(settings.replicas).items()}
    images = [
        (f"{image.repository}:{versions[image.variable]}", image.variable, image.replicas)
        for image in IMAGES
    ]
    images += [(settings.image(name), OWN_VERSION_VARIABLE, "") for name in OWN_IMAGES]
    items = []
    for reference, variable, optional in images:
        required = counts.get(optional, 1) > 0
        items.append(ImageStatus(reference, variable, optional, required, engine.image(reference)))
    return items


def env_variables(items: Iterable[ImageStatus]) -> dict[str, str]:
    """Return the variables for the `.env` of a host that has only these present images."""
    values = {PULL_POLICY: "never"}
    for item in items:
        usual = item.is_own and item.tag == ImageVersions().alertdrill
        if item.details and not usual:
            values[item.variable] = item.tag
        if item.optional:
            values[item.optional] = "1" if item.details and item.required else "0"
    return values | {image.replicas: "0" for image in IMAGES if values.get(image.requires) == "0"}


def image_origin(item: ImageStatus, rows: Sequence[InventoryRow]) -> str:
    """Return an image's origin, or why it is missing."""
    if item.details is None:
        return "missing" if item.required else f"left out by {item.optional}=0"
    noted = [row.origin for row in rows if row.name == item.name]
    if noted:
        return noted[0]
    if item.is_own:
        return "apps/Dockerfile"
    return "a registry" if item.details.get("RepoDigests") else "this host"
