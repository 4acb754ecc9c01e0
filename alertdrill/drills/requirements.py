"""The components that a drill requires, and the reason to skip it on a stack without them."""

from __future__ import annotations

from collections.abc import Collection

from ..runtimes import Runtime
from . import rule_files
from .model import Drill

# The components that collect and store log lines. One is of no use without the other.
LOG_COMPONENTS = ("collector", "loki")


def deployed_services(runtime: Runtime) -> set[str]:
    """Return the services and components of a stack, stopped ones included."""
    return {instance.service for instance in runtime.status()}


def log_store_url(runtime: Runtime, services: Collection[str]) -> str | None:
    """Return the URL of the log store, or None unless the stack collects and stores logs."""
    return runtime.address("loki") if set(LOG_COMPONENTS) <= set(services) else None


def missing_requirement(drill: Drill, services: Collection[str]) -> str:
    """Return a sentence with the components that the drill lacks; empty if it lacks none."""
    missing = [name for name in LOG_COMPONENTS if name not in services]
    if not missing or not _needs_logs(drill):
        return ""
    return f"This stack has no {' and no '.join(missing)}, which {drill.alert} requires."


def _needs_logs(drill: Drill) -> bool:
    target = drill.fault.target.rpartition("-")[0] or drill.fault.target
    alerts = rule_files.alert_names_in(rule_files.LOKI_RULES)
    return drill.alert in alerts or bool({target, drill.fault.component} & {*LOG_COMPONENTS})
