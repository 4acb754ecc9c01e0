"""The responder: it receives Alertmanager's notifications, heals, and serves the runbooks."""

from __future__ import annotations

import os

from flask import Flask

from apps.telemetry import init_app
from apps.telemetry.env_reader import EnvReader
from apps.telemetry.metrics import Metrics

from . import api, pages
from .app_state import AppState
from .clients import AlertmanagerClient, ControlApiClient
from .db import Database, open_database
from .drill_results import DrillResultStore
from .healing import actions
from .healing.executor import Executor
from .healing.policy import load_policy
from .healing.reconciler import Healing, ReconcileLoop, Reconciler
from .healing_store import HealingStores
from .metrics import DrillMetrics, HealingMetrics, ResponderMetrics
from .notifications import NotificationStore
from .runbooks import Runbooks
from .settings import HealingSettings, ResponderSettings
from .validation import utc_now
from .watchdog import Watchdog


def create_app(settings: ResponderSettings | None = None) -> Flask:
    """Compose the responder; without settings, read them from the environment.

    Raises `SettingsError`, whose message says what to do, also if the database is unusable.
    """
    settings = settings or ResponderSettings.from_env(EnvReader(os.environ))
    app = Flask(__name__)
    telemetry = init_app(app, service="responder")
    database = open_database(settings.database)
    store = NotificationStore(database)
    runbooks = Runbooks(settings.runbooks_dir)
    metrics = ResponderMetrics(telemetry.metrics, runbooks.names())
    metrics.set_info(settings.url)
    watchdog = Watchdog(store, settings.watchdog_timeout, metrics.set_watchdog, utc_now())
    telemetry.readiness.add("database", lambda: store.check_writable(utc_now()))
    healing = _build_healing(settings.healing, database, telemetry.metrics)
    drill_results = DrillResultStore(database)
    drill_metrics = DrillMetrics(telemetry.metrics, runbooks.names())
    for result in drill_results.latest():
        drill_metrics.update(result)
    AppState(store, runbooks, metrics, watchdog, healing, drill_results, drill_metrics).init_app(
        app
    )
    for module in (api, actions, pages):
        app.register_blueprint(module.blueprint)
    watchdog.start()
    healing.start()
    return app


def _build_healing(settings: HealingSettings, database: Database, metrics: Metrics) -> Healing:
    """Compose healing over a database; raise `PolicyError` for a bad policy."""
    stores = HealingStores.of(database)
    if settings.mode == "off":
        return Healing(settings.mode, settings.token, stores)
    policy = load_policy(settings.policy).compressed(settings.speed)
    healing_metrics = HealingMetrics(metrics)
    control_api = ControlApiClient(settings.control_url, settings.control_token)
    dry_run = settings.mode == "dry-run"
    reconciler = Reconciler(
        policy,
        stores,
        state_source=control_api,
        alert_source=AlertmanagerClient(settings.alertmanager_url),
        executor=Executor(stores, control_api, healing_metrics, dry_run=dry_run),
        metrics=healing_metrics,
    )
    lock = database.path.with_name(f"{database.path.name}.reconciler")
    loop = ReconcileLoop(reconciler, lock, settings.speed)
    return Healing(settings.mode, settings.token, stores, loop)
