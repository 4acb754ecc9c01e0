"""The WSGI entry point of the servers: the foreign application that FOREIGN_APP names.

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


module = importlib.import_module(f"tests.foreign.apps.{os.environ['FOREIGN_APP']}")
application: WSGIApplication = module.APPLICATION.create(instrument)
