"""What a drill breaks of the configurations and targets, and how it is put back."""

from __future__ import annotations

import signal
from pathlib import PurePosixPath

from ...errors import AlertdrillError
from . import configs, stack_processes
from .context import NativeContext


class NotConfigurableError(AlertdrillError):
    """There is no such configuration file to put in the place of another, or beside it."""


def configure(context: NativeContext, part: str, name: str, text: str | None) -> None:
    """Have a part read `text` as its file `name`; None puts back what belongs there.

    What may be replaced is what `configs.SOURCES` lays out, and more `.yml` files may lie in
    the folders of `configs.DROP_IN_FOLDERS`. The committed files themselves stay as they are.
    """
    whole = f"{part}/{name}"
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
    _reread(context, part)


def _require_replaceable(context: NativeContext, whole: str) -> None:
    path = PurePosixPath(whole)
    extra = str(path.parent) in configs.DROP_IN_FOLDERS and path.suffix == ".yml"
    committed = whole in configs.SOURCES and not (context.layout.etc / whole).is_dir()
    if not extra and not committed and whole != configs.WEBHOOK_URL_FILE:
        folders = ", ".join(f"{folder}/*.yml" for folder in configs.DROP_IN_FOLDERS)
        raise NotConfigurableError(
            f"{whole} can't be configured: {folders} and the main files can."
        )


def _reread(context: NativeContext, part: str) -> None:
    if part in configs.SELF_RELOADING:
        return
    for info in context.supervisor.processes().values():
        # One that is down reads it when it starts.
        if info["pid"] and info["name"].rpartition("-")[0] == part:
            stack_processes.signal_instance(info["pid"], signal.SIGHUP)


def drop_targets(context: NativeContext, service: str) -> None:
    """Have Prometheus scrape a service no longer, as if its targets were forgotten.

    It looks at its targets every five seconds, at any speed.
    """
    wanted = context.replicas.desired(context.plan())
    left = [process for process in wanted if process.service != service]
    configs.write_stack_targets(context.layout, left)
    configs.write_service_targets(context.layout, left)


def restore_targets(context: NativeContext) -> None:
    """Have Prometheus scrape everything again that serves."""
    plan = context.plan()
    configs.write_fixed_targets(context.layout, plan)
    configs.write_service_targets(context.layout, context.replicas.desired(plan))
