"""The responder: it receives Alertmanager's notifications, heals, and serves the runbooks."""

from __future__ import annotations

import os
from datetime import timedelta

from flask import Flask

from alertdrill_telemetry import init_app, problems
from alertdrill_telemetry.env_reader import EnvReader

from . import api, pages
from .clients import AlertmanagerClient, ControlApiClient, RuleEvaluators
from .db import open_database
from .drill_results import DrillResultStore
from .healing.executor import Executor
from .healing.policy import load_policy
from .healing.reconciler import ReconcileLoop, Reconciler
from .healing.store import HealingStore
from .metrics import ResponderMetrics
from .notifications import NotificationStore
from .settings import ResponderSettings
from .validation import utc_now
from .watchdog import Watchdog


def create_app(settings: ResponderSettings | None = None) -> Flask:
    """Compose the responder; without settings, read them from the environment.

    Raises `SettingsError`, whose message says what to do, also if the database is unusable.
    """
    settings = settings or ResponderSettings.from_env(EnvReader(os.environ))
    app = Flask(__name__)
    telemetry = init_app(app, service="responder")
    problems.init_app(app, telemetry.settings.max_body_bytes)
    database = open_database(settings.database)
    notifications = NotificationStore(database)
    telemetry.readiness.add("database", lambda: notifications.check_writable(utc_now()))
    metrics = ResponderMetrics(telemetry.metrics, pages.runbook_names(settings.runbooks_dir))
    metrics.info.labels(settings.url).set(1)
    timeout = timedelta(seconds=settings.watchdog_timeout)
    watchdog = Watchdog(notifications, timeout, metrics.set_watchdog, utc_now())
    drill_results = DrillResultStore(database)
    for result in drill_results.latest():
        metrics.update_drill(result)
    store = HealingStore(database)
    loop = None if settings.healing == "off" else _build_loop(settings, store, metrics)
    api.AppState(settings, notifications, metrics, watchdog, drill_results, store, loop).init_app(
        app
    )
    for module in (api, pages):
        app.register_blueprint(module.blueprint)
    watchdog.start()
    if loop:
        loop.start()
    return app


def _build_loop(
    settings: ResponderSettings, store: HealingStore, metrics: ResponderMetrics
) -> ReconcileLoop:
    """Compose healing; raise `PolicyError` for a bad policy."""
    control_api = ControlApiClient(settings.control_url, settings.control_token)
    dry_run = settings.healing == "dry-run"
    reconciler = Reconciler(
        load_policy(settings.policy, settings.speed),
        store,
        control_api=control_api,
        alertmanager=AlertmanagerClient(
            settings.alertmanager_url, settings.alertmanager_password_file
        ),
        evaluators=RuleEvaluators(settings.prometheus_url, settings.loki_url),
        executor=Executor(store, control_api, metrics, dry_run=dry_run),
        metrics=metrics,
    )
    lock = settings.database.with_name(f"{settings.database.name}.reconciler")
    return ReconcileLoop(reconciler, lock, settings.speed)
