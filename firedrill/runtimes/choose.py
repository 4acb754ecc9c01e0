"""Choose the runtime: Docker Compose where an engine answers, plain processes otherwise."""

from __future__ import annotations

import shutil
import subprocess

from ..errors import FiredrillError
from ..settings import StackSettings
from .base import Notify, Runtime

# A local engine answers in well under a second; a dead socket must not hold up the start.
PATIENCE = 2.0


def choose(settings: StackSettings, notify: Notify) -> Runtime:
    """Return the runtime that `RUNTIME` names; raise `FiredrillError` where it can't be had."""
    from .native import NativeRuntime  # noqa: PLC0415 - only the one that is used is loaded

    if settings.runtime == "compose":
        raise FiredrillError("RUNTIME=compose is not built yet: use RUNTIME=native.")
    if settings.runtime == "auto" and _engine_answers():
        notify("A Docker engine answers, but the compose runtime is not built yet: running native.")
    return NativeRuntime(settings)


def _engine_answers() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        asked = subprocess.run(  # noqa: S603 - docker itself, found on the PATH
            [docker, "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0
