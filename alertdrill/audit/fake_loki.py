"""A fake of Loki for hosts without it: an app for gunicorn that stores the lines of requests.

It accepts OTLP over HTTP in JSON, and answers the audit's query as Loki does. Like Loki, it
deduplicates lines of a stream with the same text and time. Only ephemeral stacks use it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

TABLE = """
CREATE TABLE IF NOT EXISTS lines (
    time INTEGER, text TEXT, fields TEXT, request_id TEXT, PRIMARY KEY (time, text, fields)
) WITHOUT ROWID
"""
SELECT = """
SELECT time, text, fields FROM lines
WHERE time >= :start AND time < :end AND request_id GLOB :pattern ORDER BY time LIMIT :limit
"""
ID_PREFIX = re.compile(r'request_id=~"([\w-]+)\.\*"')
# Seconds to wait for another thread's write.
LOCK_TIMEOUT_S = 30.0


def create_app(folder: str) -> Flask:
    """Return the API for the collector, the readiness probe and the audit.

    The lines are in a file in `folder`: after a response to the collector, a crash loses none.
    """
    file = Path(folder) / "lines.sqlite"
    file.parent.mkdir(parents=True, exist_ok=True)
    with _database(file) as database:
        database.execute(TABLE)
    app = Flask(__name__, static_folder=None)

    @app.get("/ready")
    def ready() -> Response:
        return Response("ready\n")

    @app.post("/otlp/v1/logs")
    def add() -> Response:
        try:
            lines = list(parse_otlp(json.loads(request.get_data())))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = f"The body is not OTLP in JSON: {type(error).__name__} {error}.\n"
            return Response(text, 400)
        with _database(file) as database:
            database.executemany("INSERT OR IGNORE INTO lines VALUES (?, ?, ?, ?)", lines)
        return Response("{}", content_type="application/json")

    @app.get("/loki/api/v1/query_range")
    def query_range() -> Response:
        prefix = ID_PREFIX.search(request.args["query"])
        if not prefix:
            return Response("The query has no prefix of a request id.\n", 400)
        with _database(file) as database:
            rows = database.execute(SELECT, {**request.args.to_dict(), "pattern": f"{prefix[1]}*"})
            result = [
                {"stream": json.loads(fields), "values": [[str(time), text]]}
                for time, text, fields in rows
            ]
        return Response(json.dumps({"data": {"result": result}}), content_type="application/json")

    return app


@contextmanager
def _database(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file, timeout=LOCK_TIMEOUT_S)) as database, database:
        yield database


def parse_otlp(body: Any) -> Iterator[tuple[int, str, str, str]]:
    """Yield the time in nanoseconds, the text, the fields as JSON, and the request id of each line.

    The input is an ExportLogsServiceRequest in OTLP's JSON encoding. Lines without a request id are
    left out. Raises `KeyError` or `TypeError` for any other input.
    """
    for resource in body["resourceLogs"]:
        labels = _attributes(resource.get("resource", {}))
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                fields = {**labels, **_attributes(record)}
                # As in Loki, the time at which the line was read is not part of it.
                time = int(record.get("timeUnixNano", 0)) or int(record["observedTimeUnixNano"])
                if "request_id" in fields:
                    text = _text(record.get("body", {}))
                    yield time, text, json.dumps(fields, sort_keys=True), fields["request_id"]


def _attributes(holder: Mapping[str, Any]) -> dict[str, str]:
    return {item["key"]: _text(item["value"]) for item in holder.get("attributes", ())}


def _text(value: Mapping[str, Any]) -> str:
    """Return a value as text; OTLP wraps it as {"stringValue": "x"}."""
    return str(next(iter(value.values()), ""))
