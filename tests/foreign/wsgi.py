"""The WSGI entry point of the servers: the application FOREIGN_APP of tests/foreign/apps.

FOREIGN_APP is a module, or `MODULE:NAME` if the module has several applications.

With FOREIGN_TELEMETRY, the name of a service, it is instrumented; the application is the same.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def instrument(app: Flask) -> Flask:
    """Add telemetry as an owner of the application would."""
    if service := os.environ.get("FOREIGN_TELEMETRY"):
        import alertdrill_telemetry

        alertdrill_telemetry.init_app(app, service=service)
    return app


module, _, name = os.environ["FOREIGN_APP"].partition(":")
foreign = getattr(importlib.import_module(f"tests.foreign.apps.{module}"), name or "APPLICATION")
application: WSGIApplication = foreign.create(instrument)
