"""Break configurations and targets for a drill, and restore them."""

from __future__ import annotations

import signal

from .. import config_files
from ..config_files import require_replaceable, write_atomically
from . import configs
from .context import NativeContext
from .supervisor import signal_instance


def break_config(context: NativeContext, component: str, name: str, text: str) -> None:
    """Replace a component's configuration file `name` with `text`."""
    whole = require_replaceable(configs.SOURCES, component, name)
    write_atomically(context.layout.etc / whole, text)
    _reread(context, component)


def restore_config(context: NativeContext, component: str, name: str) -> None:
    """Restore a component's configuration file; delete an extra file."""
    whole = require_replaceable(configs.SOURCES, component, name)
    if whole == config_files.WEBHOOK_URL_FILE:
        responder = context.plan().processes_of("responder")[0]
        configs.write_webhook(context.layout, f"http://{responder.address}")
    elif whole in configs.SOURCES:
        configs.install(context.layout, whole, context.settings.speed)
    else:
        (context.layout.etc / whole).unlink(missing_ok=True)
    _reread(context, component)


def _reread(context: NativeContext, component: str) -> None:
    if component in config_files.SELF_RELOADING:
        return
    for info in context.supervisor.processes().values():
        # A stopped process reads it when it starts.
        if info["pid"] and info["name"].rpartition("-")[0] == component:
            signal_instance(info["pid"], signal.SIGHUP)


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
