"""mlflow's tracking server from PyPI: 400 routes of a REST API on SQLite, and security hooks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from flask import Flask

from tests.foreign.cases import Application, Case, Instrument, case, get, post_json

API = "/api/2.0/mlflow"


def create(instrument: Instrument) -> Flask:
    # Where its command line puts the options of the server; the working directory is empty.
    os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{Path.cwd()}/mlflow.db"
    os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = "mlflow-artifacts:/"
    os.environ["_MLFLOW_SERVER_ARTIFACT_DESTINATION"] = str(Path.cwd() / "artifacts")
    os.environ["_MLFLOW_SERVER_SERVE_ARTIFACTS"] = "true"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow.server import app

    return instrument(app)


# The file is as old as the run.
FILE = {"modified": r"Last-Modified: ([^\r]+)", "etag": r'ETag: "([^"]+)"'}
RANDOM = {
    "experiment": r'"experiment_id": "(\d{10,})"',
    "run": r'"run_id": "([0-9a-f]{32})"',
    # In milliseconds; also in the SQL of an error message.
    "time": r"\b(1\d{12})\b",
}


def api(name: str, call: str, body: str | None = None, status: int = 200) -> Case:
    """Return a call of the REST API: a POST, if it has a body."""
    if body is None:
        return get(name, f"{API}/{call}", status=status, random=RANDOM)
    return post_json(name, f"{API}/{call}", body, status=status, random=RANDOM)


def artifact(
    name: str, method: str, path: str, body: bytes | None = None, status: int = 200
) -> Case:
    return case(name, method, f"/api/2.0/mlflow-artifacts/artifacts/{path}", body, status=status)


APPLICATION = Application(
    create,
    [
        get("health", "/health"),
        get("version", "/version"),
        get("home", "/"),
        get("missing", "/missing", status=404),
        get("other-host-of-a-probe", "/health", headers=[("Host", "evil.example")]),
        get(
            "other-host-at-the-api",
            f"{API}/experiments/get?experiment_id=0",
            status=403,
            headers=[("Host", "evil.example")],
        ),
        post_json(
            "other-origin",
            f"{API}/experiments/create",
            "{}",
            status=403,
            headers=[("Origin", "https://evil.example")],
        ),
        case(
            "preflight",
            "OPTIONS",
            f"{API}/runs/create",
            headers=[
                ("Origin", "http://localhost:3000"),
                ("Access-Control-Request-Method", "POST"),
            ],
            status=204,
        ),
        api("create-experiment", "experiments/create", '{"name": "first"}'),
        api("create-experiment-again", "experiments/create", '{"name": "first"}', 400),
        api("create-without-a-name", "experiments/create", "{}", 400),
        api("invalid-json", "experiments/create", "{", 400),
        api("get-experiment", "experiments/get?experiment_id=1"),
        api("get-missing-experiment", "experiments/get?experiment_id=99", status=404),
        api("search-experiments", "experiments/search", '{"max_results": 10}'),
        api(
            "rename-experiment",
            "experiments/update",
            '{"experiment_id": "1", "new_name": "second"}',
        ),
        api(
            "create-run",
            "runs/create",
            '{"experiment_id": "1", "start_time": 1790000000000, "run_name": "one"}',
        ),
        api(
            "log-parameter", "runs/log-parameter", '{"run_id": "{{run}}", "key": "p", "value": "1"}'
        ),
        api(
            "log-metric",
            "runs/log-metric",
            '{"run_id": "{{run}}", "key": "m", "value": 0.5, "timestamp": 1790000000001}',
        ),
        api(
            "log-batch",
            "runs/log-batch",
            '{"run_id": "{{run}}", "tags": [{"key": "t", "value": "v"}]}',
        ),
        api("metric-history", "metrics/get-history?run_id={{run}}&metric_key=m"),
        api("get-run", "runs/get?run_id={{run}}"),
        api("get-missing-run", "runs/get?run_id=none", status=404),
        api("search-runs", "runs/search", '{"experiment_ids": ["1"], "filter": "metrics.m > 0.1"}'),
        api(
            "search-runs-with-bad-filter",
            "runs/search",
            '{"experiment_ids": ["1"], "filter": "x"}',
            400,
        ),
        api("delete-run", "runs/delete", '{"run_id": "{{run}}"}'),
        api("create-model", "registered-models/create", '{"name": "model"}'),
        api("get-model", "registered-models/get?name=model"),
        case("method-not-allowed", "DELETE", f"{API}/experiments/create", status=405),
        case("custom-method", "PROPFIND", f"{API}/experiments/create", status=405),
        case("head", "HEAD", "/health"),
        artifact("upload-artifact", "PUT", "folder/file.txt", b"content " * 50_000),
        replace(artifact("download-artifact", "GET", "folder/file.txt"), random=FILE),
        artifact("outside-of-artifacts", "GET", "..%2f..%2fetc/passwd", status=400),
        artifact("delete-artifact", "DELETE", "folder/file.txt"),
        get("missing-static-file", "/static-files/none.js", status=404),
    ],
    keeps_state=True,
)
