"""Choose the runtime: Docker Compose where an engine answers, plain processes otherwise.

A Swarm is for the control API alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace

from ..errors import AlertdrillError
from ..settings import INSIDE, RUNTIMES, SWARM, StackSettings
from .base import ControlTarget, ProgressCallback, Runtime

# A local engine answers in well under a second; a dead socket must not hold up the start.
TIMEOUT_S = 2.0


def select_runtime(settings: StackSettings, on_progress: ProgressCallback) -> Runtime:
    """Return the runtime that `RUNTIME` names; raise `AlertdrillError` where it can't be had."""
    # Only the one that is used is loaded.
    if settings.runtime == SWARM:
        raise AlertdrillError(
            f"RUNTIME is {SWARM!r}, which is for the control API: set one of {', '.join(RUNTIMES)}."
        )
    if settings.runtime == "auto" and _engine_answers():
        on_progress(
            "A Docker engine answers: running on Docker Compose (RUNTIME=native does without)."
        )
        settings = replace(settings, runtime="compose")
    if settings.runtime == INSIDE:
        from .compose.in_network import InNetworkRuntime  # noqa: PLC0415

        speed, ephemeral = os.environ.get("SPEED", "1"), os.environ.get("EPHEMERAL", "0")
        return InNetworkRuntime(replace(settings, speed=float(speed), ephemeral=ephemeral == "1"))
    if settings.runtime == "compose":
        from .compose.runtime import ComposeRuntime  # noqa: PLC0415

        return ComposeRuntime(settings)
    from .native import NativeRuntime  # noqa: PLC0415

    return NativeRuntime(settings)


def select_control_target(settings: StackSettings) -> ControlTarget:
    """Return what the control API works with; raise `AlertdrillError` where it can't be had."""
    if settings.runtime == SWARM:
        from .swarm import SwarmRuntime  # noqa: PLC0415

        return SwarmRuntime(settings)
    return select_runtime(settings, lambda _: None)


def _engine_answers() -> bool:
    return _succeeds("version", "--format", "{{.Server.Version}}") and has_compose()


def has_compose() -> bool:
    """Tell whether Docker Compose is here, with an engine or without."""
    return _succeeds("compose", "version")


def _succeeds(*arguments: str) -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        asked = subprocess.run(  # noqa: S603 - docker itself, found on the PATH
            [docker, *arguments], capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0
