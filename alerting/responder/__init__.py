"""The webhook receiver behind Alertmanager: journals notifications, heals, serves the runbooks."""

from __future__ import annotations

import os

from flask import Flask

from apps.telemetry import init_app
from apps.telemetry.environment import Environment

from . import actions, drills, notifications, pages, unavailable, webhook
from .drill_gauges import DrillGauges
from .drill_journal import DrillJournal
from .healing import assemble
from .journal import Journal
from .metrics import ResponderMetrics
from .runbooks import Runbooks
from .settings import ResponderSettings
from .state import Responder
from .timestamps import utc_now
from .watchdog import Watchdog


def create_app(settings: ResponderSettings | None = None) -> Flask:
    """Compose the responder; settings come from the environment unless they are given.

    Raises `SettingsError`, whose message says the way out; an unusable journal is one.
    """
    settings = settings or ResponderSettings.from_env(Environment(os.environ))
    app = Flask(__name__)
    telemetry = init_app(app, service="responder")
    journal = Journal(settings.database)
    runbooks = Runbooks(settings.runbooks_dir)
    metrics = ResponderMetrics(telemetry.metrics, runbooks.names())
    metrics.show_address(settings.url)
    watchdog = Watchdog(journal, settings.watchdog_timeout, metrics.observe_watchdog, utc_now())
    telemetry.readiness.add("journal", lambda: journal.check_writable(utc_now()))
    healing = assemble(settings.healing, settings.database, telemetry.metrics)
    drilled = DrillJournal(settings.database)
    gauges = DrillGauges(telemetry.metrics, runbooks.names())
    for item in drilled.last():
        gauges.show(item)
    Responder(journal, runbooks, metrics, watchdog, healing, drilled, gauges).init_app(app)
    for concern in (webhook, notifications, actions, drills, pages):
        app.register_blueprint(concern.blueprint)
    unavailable.init_app(app)
    watchdog.start()
    healing.start()
    return app
