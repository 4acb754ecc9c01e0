"""The control API: it lets the responder restart and scale instances over HTTP."""

from __future__ import annotations

import os

from flask import Flask

from ..runtimes import ControlTarget, select_control_target
from . import problems, routes
from .service import ControlService
from .settings import ControlSettings


def create_app(
    settings: ControlSettings | None = None, runtime: ControlTarget | None = None
) -> Flask:
    """Return the API for a runtime; the settings select it unless `runtime` is set."""
    settings = settings or ControlSettings.from_env(os.environ)
    runtime = runtime or select_control_target(settings.stack)
    app = Flask(__name__, static_folder=None)
    # A request body has one member; a larger body is a mistake.
    app.config["MAX_CONTENT_LENGTH"] = 4096
    problems.init_app(app)
    app.register_blueprint(
        routes.blueprint(ControlService(runtime, settings.stack), settings.token)
    )
    return app
