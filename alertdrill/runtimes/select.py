"""Select the runtime: Docker Compose if an engine answers, native processes otherwise.

Each function returns what its callers need: a drill gets no runtime that can't inject faults, and
Docker Swarm is for the control API only. Only the selected runtime is imported.
"""

from __future__ import annotations

from dataclasses import replace

from ..config.settings import IN_NETWORK, RUNTIMES, SWARM, StackSettings
from ..errors import AlertdrillError
from ..toolchain.commands import CommandError, run
from .base import ControlTarget, FaultTarget, ProgressCallback, RunningStack, StackRuntime

# A local engine answers in well under a second; a dead socket must not delay the start.
TIMEOUT_S = 2.0


def resolve_runtime(settings: StackSettings, on_progress: ProgressCallback) -> StackSettings:
    """Return settings that name one runtime: for `auto`, Docker Compose if an engine answers."""
    if settings.runtime == SWARM:
        raise AlertdrillError(
            f"RUNTIME is {SWARM!r}, which only the control API supports: use {', '.join(RUNTIMES)}."
        )
    if settings.runtime != "auto":
        return settings
    if not (_succeeds("version", "--format", "{{.Server.Version}}") and has_compose()):
        return replace(settings, runtime="native")
    on_progress("A Docker engine answers: using Docker Compose (set RUNTIME=native for processes).")
    return replace(settings, runtime="compose")


def select_stack_runtime(settings: StackSettings, on_progress: ProgressCallback) -> StackRuntime:
    """Return the runtime that `RUNTIME` names, to start, stop and watch its stack on this host."""
    settings = resolve_runtime(settings, on_progress)
    if settings.runtime == IN_NETWORK:
        raise AlertdrillError(
            "Only the host can do this: run the command outside of the containers."
        )
    if settings.runtime == "compose":
        from .compose.runtime import ComposeRuntime  # noqa: PLC0415

        return ComposeRuntime(settings)
    from .native.runtime import NativeRuntime  # noqa: PLC0415

    return NativeRuntime(settings)


def select_fault_target(settings: StackSettings) -> FaultTarget:
    """Return the stack that drills can break: of processes, or around this container."""
    settings = resolve_runtime(settings, lambda _: None)
    if settings.runtime == "compose":
        raise AlertdrillError(
            "Only a drill can do this, inside the stack's networks: use `make drill`."
        )
    if settings.runtime == IN_NETWORK:
        from .compose.in_network import InNetworkRuntime  # noqa: PLC0415

        return InNetworkRuntime(settings)
    from .native.runtime import NativeRuntime  # noqa: PLC0415

    return NativeRuntime(settings)


def select_running_stack(settings: StackSettings, on_progress: ProgressCallback) -> RunningStack:
    """Return the stack that `RUNTIME` names, from its host or from one of its containers."""
    if settings.runtime == IN_NETWORK:
        return select_fault_target(settings)
    return select_stack_runtime(settings, on_progress)


def select_control_target(settings: StackSettings) -> ControlTarget:
    """Return the control API's target; raise `AlertdrillError` if it is unavailable."""
    if settings.runtime == SWARM:
        from .swarm.runtime import SwarmRuntime  # noqa: PLC0415

        return SwarmRuntime(settings)
    return select_running_stack(settings, lambda _: None)


def has_compose() -> bool:
    """Return whether Docker Compose is installed, with or without an engine."""
    return _succeeds("compose", "version")


def _succeeds(*arguments: str) -> bool:
    try:
        run("docker", *arguments, timeout=TIMEOUT_S)
    except CommandError:
        return False
    return True
