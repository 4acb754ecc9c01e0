"""Push our own images to a registry."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...config.settings import LOCAL_REGISTRY, REGISTRY, digest_variable, own_images
from ..base import ProgressCallback
from .compose_cli import ComposeCli
from .errors import EngineError


def push(
    compose: ComposeCli, registry: str, version: str, on_progress: ProgressCallback
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


def _digest(compose: ComposeCli, image: str) -> str:
    form = "{{range .RepoDigests}}{{println .}}{{end}}"
    digests = compose.docker("image", "inspect", "--format", form, image).split()
    for reference in digests:
        repository, _, digest = reference.partition("@")
        if repository == image.rpartition(":")[0]:
            return digest
    raise EngineError(f"the engine has no digest of {image} after the push.")
