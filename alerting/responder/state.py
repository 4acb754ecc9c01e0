"""What the views of one application share."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app

from .drill_gauges import DrillGauges
from .drill_journal import DrillJournal
from .healing import Healing
from .journal import Journal
from .metrics import ResponderMetrics
from .runbooks import Runbooks
from .watchdog import Watchdog

EXTENSION = "responder"


@dataclass(frozen=True)
class Responder:
    """The parts of the responder."""

    journal: Journal
    runbooks: Runbooks
    metrics: ResponderMetrics
    watchdog: Watchdog
    healing: Healing
    drills: DrillJournal
    drill_gauges: DrillGauges

    def init_app(self, app: Flask) -> None:
        """Give the application's views these parts."""
        app.extensions[EXTENSION] = self


def current() -> Responder:
    """Return the parts that belong to the request at hand."""
    parts = current_app.extensions[EXTENSION]
    assert isinstance(parts, Responder)
    return parts
