"""mlflow's tracking server from PyPI: 400 routes of a REST API on SQLite, and security hooks."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask

from tests.foreign.cases import Application, Case, Instrument, case, get, post_json

API = "/api/2.0/mlflow"


def create(instrument: Instrument) -> Flask:
    # Where its command line puts the options of the server; the working directory is empty.
    os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{Path.cwd()}/mlflow.db"
    os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = str(Path.cwd() / "artifacts")
    os.environ["_MLFLOW_SERVER_SERVE_ARTIFACTS"] = "true"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow.server import app

    return instrument(app)


APPLICATION = Application(create, [get("health", "/health")])
