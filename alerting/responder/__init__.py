"""The responder: it receives Alertmanager's notifications, heals, and serves the runbooks."""

from __future__ import annotations

import os

from flask import Flask

from apps.telemetry import init_app
from apps.telemetry.env_reader import EnvReader

from . import actions, drills, error_handlers, notifications, pages, webhook
from .app_state import AppState
from .drill_metrics import DrillMetrics
from .drill_results import DrillResultStore
from .healing import build_healing
from .notification_metrics import ResponderMetrics
from .notification_store import NotificationStore
from .runbooks import Runbooks
from .settings import ResponderSettings
from .timestamps import utc_now
from .watchdog import Watchdog


def create_app(settings: ResponderSettings | None = None) -> Flask:
    """Compose the responder; without settings, read them from the environment.

    Raises `SettingsError`, whose message says what to do, also if the database is unusable.
    """
    settings = settings or ResponderSettings.from_env(EnvReader(os.environ))
    app = Flask(__name__)
    telemetry = init_app(app, service="responder")
    store = NotificationStore(settings.database)
    runbooks = Runbooks(settings.runbooks_dir)
    metrics = ResponderMetrics(telemetry.metrics, runbooks.names())
    metrics.set_info(settings.url)
    watchdog = Watchdog(store, settings.watchdog_timeout, metrics.set_watchdog, utc_now())
    telemetry.readiness.add("database", lambda: store.check_writable(utc_now()))
    healing = build_healing(settings.healing, settings.database, telemetry.metrics)
    drill_results = DrillResultStore(settings.database)
    drill_metrics = DrillMetrics(telemetry.metrics, runbooks.names())
    for result in drill_results.latest():
        drill_metrics.update(result)
    AppState(store, runbooks, metrics, watchdog, healing, drill_results, drill_metrics).init_app(
        app
    )
    for module in (webhook, notifications, actions, drills, pages):
        app.register_blueprint(module.blueprint)
    error_handlers.init_app(app)
    watchdog.start()
    healing.start()
    return app
