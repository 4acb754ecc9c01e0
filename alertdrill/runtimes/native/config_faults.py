"""Break configurations and targets for a drill, and restore them."""

from __future__ import annotations

import signal
from pathlib import PurePosixPath

from ...errors import AlertdrillError
from . import configs, stack_processes
from .context import NativeContext


class NotConfigurableError(AlertdrillError):
    """The file is not a configuration that can be replaced or added."""


def configure(context: NativeContext, component: str, name: str, text: str | None) -> None:
    """Replace a component's configuration file `name` with `text`; None restores the original.

    The files of `configs.SOURCES` can be replaced, and `.yml` files can be added to the folders
    of `configs.DROP_IN_FOLDERS`. The committed files stay unchanged.
    """
    whole = f"{component}/{name}"
    _require_replaceable(context, whole)
    if text is not None:
        configs.write_atomically(context.layout.etc / whole, text)
    elif whole == configs.WEBHOOK_URL_FILE:
        configs.write_webhook(
            context.layout, f"http://{context.plan().processes_of('responder')[0].address}"
        )
    elif whole in configs.SOURCES:
        configs.install(context.layout, whole, context.settings.speed)
    else:
        (context.layout.etc / whole).unlink(missing_ok=True)
    _reread(context, component)


def _require_replaceable(context: NativeContext, whole: str) -> None:
    path = PurePosixPath(whole)
    extra = str(path.parent) in configs.DROP_IN_FOLDERS and path.suffix == ".yml"
    committed = whole in configs.SOURCES and not (context.layout.etc / whole).is_dir()
    if not extra and not committed and whole != configs.WEBHOOK_URL_FILE:
        folders = ", ".join(f"{folder}/*.yml" for folder in configs.DROP_IN_FOLDERS)
        raise NotConfigurableError(
            f"{whole} can't be configured: use {folders} or a main configuration file."
        )


def _reread(context: NativeContext, component: str) -> None:
    if component in configs.SELF_RELOADING:
        return
    for info in context.supervisor.processes().values():
        # A stopped process reads it when it starts.
        if info["pid"] and info["name"].rpartition("-")[0] == component:
            stack_processes.signal_instance(info["pid"], signal.SIGHUP)


def drop_targets(context: NativeContext, service: str) -> None:
    """Remove a service from Prometheus's list of targets.

    Prometheus reads the list every five seconds, at any speed.
    """
    wanted = context.replicas.desired(context.plan())
    left = [process for process in wanted if process.service != service]
    configs.write_stack_targets(context.layout, left)
    configs.write_service_targets(context.layout, left)


def restore_targets(context: NativeContext) -> None:
    """Restore the complete list of Prometheus's targets."""
    plan = context.plan()
    configs.write_fixed_targets(context.layout, plan)
    configs.write_service_targets(context.layout, context.replicas.desired(plan))
