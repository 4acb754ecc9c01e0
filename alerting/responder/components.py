"""The components that the views of an application share."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app

from .drill_metrics import DrillMetrics
from .drill_results import DrillResultStore
from .healing import Healing
from .metrics import ResponderMetrics
from .notification_store import NotificationStore
from .runbooks import Runbooks
from .watchdog import Watchdog

EXTENSION = "responder"


@dataclass(frozen=True)
class Components:
    """The components of the responder."""

    notifications: NotificationStore
    runbooks: Runbooks
    metrics: ResponderMetrics
    watchdog: Watchdog
    healing: Healing
    drill_results: DrillResultStore
    drill_metrics: DrillMetrics

    def init_app(self, app: Flask) -> None:
        """Attach the components to an application."""
        app.extensions[EXTENSION] = self


def current() -> Components:
    """Return the components of the current application."""
    components = current_app.extensions[EXTENSION]
    assert isinstance(components, Components)
    return components
