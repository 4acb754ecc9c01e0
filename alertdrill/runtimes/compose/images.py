"""The images of the stack: pull or build them, name what is unavailable, push our own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...config.components import COMPONENTS
from ...config.settings import LOCAL_REGISTRY, REGISTRY, ImageVersions, digest_variable, own_images
from ..base import ProgressCallback
from ..errors import EngineError, ImageMissingError
from .project import ComposeProject


@dataclass(frozen=True)
class ImageAvailability:
    """Sentences about unavailable images, and the variables that disable their services."""

    messages: Sequence[str]
    variables: Mapping[str, str]


def ensure_images(
    compose: ComposeProject, model: Mapping[str, Any], on_progress: ProgressCallback
) -> ImageAvailability:
    """Pull or build what is missing; raise `ImageMissingError` naming the variable."""
    messages, variables = [], {}
    images = {
        service: declaration["image"]
        for service, declaration in model["services"].items()
        if service in COMPONENTS and COMPONENTS[service].image
    }
    disabled = [service for service in images if _is_disabled(model["services"][service])]
    messages += [
        f"{service} is disabled by {COMPONENTS[service].optional}=0." for service in disabled
    ]
    for service, image in images.items():
        if service in disabled:
            continue
        if compose.has_image(image) or _try_pull(compose, image, on_progress):
            continue
        component = COMPONENTS[service]
        if not component.optional or tag(image) != getattr(ImageVersions(), component.version):
            raise ImageMissingError(
                f"{component.version_variable} is {tag(image)!r}: the image {image} is not on this"
                " host and can't be pulled."
                " Set another version, or build the images with `make images`."
            )
        messages.append(f"{image} can't be pulled: the stack runs without {service}.")
        variables[component.optional] = "0"
    if "loki" in disabled or COMPONENTS["loki"].optional in variables:
        # Without Loki, the collector has nowhere to send lines.
        variables[COMPONENTS["collector"].optional] = "0"
    _provide_own(compose, model, on_progress)
    return ImageAvailability(messages, variables)


def _is_disabled(service: Mapping[str, Any]) -> bool:
    return bool(service.get("deploy", {}).get("replicas", 1) == 0)


def tag(image: str) -> str:
    """Return the tag of an image's name."""
    return image.partition(":")[2]


def _try_pull(compose: ComposeProject, image: str, on_progress: ProgressCallback) -> bool:
    on_progress(f"pulling {image} …")
    try:
        compose.docker("pull", "--quiet", image)
    except EngineError:
        return False
    return True


def _provide_own(
    compose: ComposeProject, model: Mapping[str, Any], on_progress: ProgressCallback
) -> None:
    """Pull our own images if they come from a registry, and build them otherwise."""
    built = [service for service in model["services"].values() if "build" in service]
    images = sorted({service["image"] for service in built})
    local = [image for image in images if image.startswith(f"{LOCAL_REGISTRY}/")]
    for image in set(images) - set(local):
        if not (compose.has_image(image) or _try_pull(compose, image, on_progress)):
            raise ImageMissingError(
                f"{image} is not on this host and can't be pulled: check REGISTRY, or unset it."
            )
    if local:
        _build(compose, local, on_progress)


def _build(compose: ComposeProject, images: Sequence[str], on_progress: ProgressCallback) -> None:
    """Build our own images; this is quick if nothing has changed."""
    on_progress("building our own images …")
    try:
        compose.run("build", "--quiet")
    except EngineError as error:
        missing = [image for image in images if not compose.has_image(image)]
        if missing:
            raise ImageMissingError(f"{missing[0]} can't be built. {error}") from error
        on_progress(f"using our own images as they are, because they can't be built: {error}")


def push(
    compose: ComposeProject, registry: str, version: str, on_progress: ProgressCallback
) -> Mapping[str, str]:
    """Push each of own_images() under `version`; return the variables that pull them by digest.

    Raises `EngineError` if `registry` is not a valid name, or an image is missing or refused.
    """
    if not registry or not re.fullmatch(REGISTRY, registry):
        raise EngineError(
            f"{registry!r} is not a registry: use a value like example.com:5000/team."
        )
    local = {name: f"{LOCAL_REGISTRY}/{name}:{version}" for name in own_images()}
    missing = [image for image in local.values() if not compose.has_image(image)]
    if missing:
        raise EngineError(f"{', '.join(missing)}: not built. Run `docker compose build` first.")
    values = {"REGISTRY": registry, "ALERTDRILL_VERSION": version}
    for name, image in local.items():
        remote = f"{registry}/{name}:{version}"
        on_progress(f"pushing {remote} …")
        compose.docker("image", "tag", image, remote)
        compose.docker("push", "--quiet", remote)
        values[digest_variable(name)] = _digest(compose, remote)
    return values


def _digest(compose: ComposeProject, image: str) -> str:
    form = "{{range .RepoDigests}}{{println .}}{{end}}"
    digests = compose.docker("image", "inspect", "--format", form, image).split()
    for reference in digests:
        repository, _, digest = reference.partition("@")
        if repository == image.rpartition(":")[0]:
            return digest
    raise EngineError(f"the engine has no digest of {image} after the push.")
