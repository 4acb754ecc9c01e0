"""Healing: act on alerts as the policy says, within its limits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from apps.telemetry.metrics import Metrics

from ..settings import HealingSettings
from .action_executor import ActionExecutor
from .action_store import ActionStore
from .alert_state_store import AlertStateStore
from .alertmanager import AlertmanagerClient
from .control_client import ControlApiClient
from .grafana_annotator import GrafanaAnnotator
from .healing_metrics import HealingMetrics
from .interfaces import Stores
from .observers import CompositeObserver, LogObserver, Observer
from .operator_flags import OperatorFlags
from .policy_loader import load_policy
from .reconcile_loop import ReconcileLoop
from .reconciler import Mode, Reconciler


@dataclass(frozen=True)
class Healing:
    """The interface of healing to the rest of the responder; `loop` is None if it is off."""

    mode: str
    token: str
    stores: Stores
    loop: ReconcileLoop | None = None

    def start(self) -> None:
        """Start healing."""
        if self.loop:
            self.loop.start()

    def wake(self) -> None:
        """Reconcile now, because something has changed."""
        if self.loop:
            self.loop.wake()


def build_healing(settings: HealingSettings, database: Path, metrics: Metrics) -> Healing:
    """Compose healing over a database; raise `PolicyError` for a bad policy."""
    stores = Stores(AlertStateStore(database), ActionStore(database), OperatorFlags(database))
    if settings.mode == "off":
        return Healing(settings.mode, settings.token, stores)
    policy = load_policy(settings.policy).compressed(settings.speed)
    healing_metrics = HealingMetrics(metrics)
    observers: list[Observer] = [healing_metrics, LogObserver()]
    if settings.grafana_url:
        observers.append(GrafanaAnnotator(settings.grafana_url, settings.grafana_token))
    observer = CompositeObserver(*observers)
    control_api = ControlApiClient(settings.control_url, settings.control_token)
    reconciler = Reconciler(
        policy,
        stores,
        state_source=control_api,
        alert_source=AlertmanagerClient(settings.alertmanager_url),
        executor=ActionExecutor(control_api, stores.actions, observer),
        observer=observer,
        metrics=healing_metrics,
        mode=cast("Mode", settings.mode),
    )
    lock = database.with_name(f"{database.name}.reconciler")
    return Healing(
        settings.mode, settings.token, stores, ReconcileLoop(reconciler, lock, settings.speed)
    )
