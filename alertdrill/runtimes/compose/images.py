"""The images of the stack: pull or build them, name what is unavailable, push our own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...config.components import COMPONENTS
from ...config.compose_services import BASE
from ...config.services import SERVICES
from ...config.settings import LOCAL_REGISTRY, REGISTRY, ImageVersions, digest_variable, own_images
from ..base import ProgressCallback
from ..errors import EngineError
from .project import ComposeProject


def ensure_images(
    compose: ComposeProject, model: Mapping[str, Any], on_progress: ProgressCallback
) -> tuple[list[str], dict[str, str]]:
    """Pull or build what is missing; raise `EngineError` naming the variable.

    Return sentences about unavailable images, and the variables that disable their services.
    """
    messages, left_out = [], set()
    for service, declaration in model["services"].items():
        component, image = COMPONENTS.get(service), declaration["image"]
        if component is None or not component.image:
            continue
        if declaration.get("deploy", {}).get("replicas", 1) == 0:
            messages.append(f"{service} is disabled by {component.optional}=0.")
            left_out.add(service)
        elif not _has_or_pulls(compose, image, on_progress):
            tag = image.partition(":")[2]
            if not component.optional or tag != getattr(ImageVersions(), component.version):
                raise EngineError(
                    f"{component.version_variable} is {tag!r}: the image {image} is not on this"
                    " host and can't be pulled."
                    " Set another version, or build the images with `make images`."
                )
            messages.append(f"{image} can't be pulled: the stack runs without {service}.")
            left_out.add(service)
    if "loki" in left_out:
        left_out.add("collector")  # it has nowhere to send lines
    _provide_own(compose, model, on_progress)
    return messages, {COMPONENTS[name].optional: "0" for name in left_out}


def _has_or_pulls(compose: ComposeProject, image: str, on_progress: ProgressCallback) -> bool:
    if compose.has_image(image):
        return True
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
    built = [service["image"] for service in model["services"].values() if "build" in service]
    local = [image for image in sorted(set(built)) if image.startswith(f"{LOCAL_REGISTRY}/")]
    for image in sorted(set(built) - set(local)):
        if not _has_or_pulls(compose, image, on_progress):
            raise EngineError(
                f"{image} is not on this host and can't be pulled: check REGISTRY, or unset it."
            )
    if not local:
        return
    on_progress("building our own images …")  # quick if nothing has changed
    try:
        build(compose)
    except EngineError as error:
        missing = [image for image in local if not compose.has_image(image)]
        if missing:
            raise EngineError(f"{missing[0]} can't be built. {error}") from error
        on_progress(f"using our own images as they are, because they can't be built: {error}")


def build(compose: ComposeProject, *services: str) -> None:
    """Build the images of services, or all; first the one that applications from outside need."""
    if any(service.path for service in SERVICES.values()):
        compose.run("build", "--quiet", BASE, profiles=["build"])
    compose.run("build", "--quiet", *services)


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
        form = "{{range .RepoDigests}}{{println .}}{{end}}"
        references = compose.docker("image", "inspect", "--format", form, remote).split()
        digests = dict(reference.split("@") for reference in references)
        if f"{registry}/{name}" not in digests:
            raise EngineError(f"the engine has no digest of {remote} after the push.")
        values[digest_variable(name)] = digests[f"{registry}/{name}"]
    return values
