"""The state of the responder that its views share."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app

from .drill_metrics import DrillMetrics
from .drill_results import DrillResultStore
from .healing import Healing
from .notification_metrics import ResponderMetrics
from .notification_store import NotificationStore
from .runbooks import Runbooks
from .watchdog import Watchdog

EXTENSION = "responder"


@dataclass(frozen=True)
class AppState:
    """The state of the responder."""

    notifications: NotificationStore
    runbooks: Runbooks
    metrics: ResponderMetrics
    watchdog: Watchdog
    healing: Healing
    drill_results: DrillResultStore
    drill_metrics: DrillMetrics

    def init_app(self, app: Flask) -> None:
        """Attach the state to an application."""
        app.extensions[EXTENSION] = self


def current() -> AppState:
    """Return the state of the current application."""
    state = current_app.extensions[EXTENSION]
    assert isinstance(state, AppState)
    return state
