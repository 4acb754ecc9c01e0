"""The control API: what the responder may ask of the runtime, over HTTP."""

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
    """Return the API over a runtime, that of the settings unless one is given."""
    settings = settings or ControlSettings.from_env(os.environ)
    runtime = runtime or select_control_target(settings.stack)
    app = Flask(__name__, static_folder=None)
    # A body is one member; whoever sends more means something else.
    app.config["MAX_CONTENT_LENGTH"] = 4096
    problems.init_app(app)
    app.register_blueprint(
        routes.blueprint(ControlService(runtime, settings.stack), settings.token)
    )
    return app
