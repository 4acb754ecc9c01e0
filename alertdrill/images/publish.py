"""Push our own images to a registry."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..settings import LOCAL_REGISTRY, OWN_IMAGES, REGISTRY, digest_variable
from .base_image import ProgressCallback
from .docker_cli import DockerCli
from .errors import EngineError
from .specs import OWN_VERSION_VARIABLE


def push(
    engine: DockerCli, registry: str, version: str, on_progress: ProgressCallback
) -> Mapping[str, str]:
    """Push each of OWN_IMAGES under `version`; return the variables that pull them by digest.

    Raises `EngineError` if `registry` is not a valid name, or an image is missing or refused.
    """
    if not registry or not re.fullmatch(REGISTRY, registry):
        raise EngineError(
            f"{registry!r} is not a registry: use a value like example.com:5000/team."
        )
    local = {name: f"{LOCAL_REGISTRY}/{name}:{version}" for name in OWN_IMAGES}
    missing = [image for image in local.values() if engine.image(image) is None]
    if missing:
        raise EngineError(f"{', '.join(missing)}: not built. Run `docker compose build` first.")
    values = {"REGISTRY": registry, OWN_VERSION_VARIABLE: version}
    for name, image in local.items():
        remote = f"{registry}/{name}:{version}"
        on_progress(f"pushing {remote} …")
        engine.run("image", "tag", image, remote)
        engine.run("push", "--quiet", remote)
        values[digest_variable(name)] = _digest(engine, registry, name, version)
    return values


def _digest(engine: DockerCli, registry: str, name: str, version: str) -> str:
    image = engine.image(f"{registry}/{name}:{version}") or {}
    for reference in image.get("RepoDigests", ()):
        repository, _, digest = reference.partition("@")
        if repository == f"{registry}/{name}":
            return str(digest)
    raise EngineError(f"the engine has no digest of {registry}/{name}:{version} after the push.")
