"""The interfaces of the reconciler, and the stores it writes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .action_store import ActionRecord, ActionStore
from .alert_state_store import AlertStateStore
from .alertmanager import AlertmanagerAlert
from .operator_flags import OperatorFlags
from .snapshot import Instance, Service


class StateSource(Protocol):
    """The state of the instances: see `control_client.ControlApiClient`."""

    def get_state(self) -> tuple[Sequence[Instance], Mapping[str, Service]]:
        """Return every instance of every service, and the scale of each service."""
        ...


class AlertSource(Protocol):
    """The alerts that fire: see `alertmanager.AlertmanagerClient`."""

    def firing_alerts(self) -> Mapping[str, AlertmanagerAlert] | None:
        """Return the alerts that fire by fingerprint; None if there is no answer."""
        ...


class Executor(Protocol):
    """The executor of actions: see `action_executor.ActionExecutor`."""

    def is_running(self, record: ActionRecord) -> bool:
        """Tell whether this process executes an action."""
        ...

    def submit(self, record: ActionRecord) -> None:
        """Start an action, or resume an interrupted one."""
        ...


@dataclass(frozen=True)
class Stores:
    """The stores of healing, all in one database."""

    alerts: AlertStateStore
    actions: ActionStore
    flags: OperatorFlags
