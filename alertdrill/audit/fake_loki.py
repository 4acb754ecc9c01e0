"""A fake of Loki for hosts without it: stores lines and returns them by request id.

It accepts OTLP over HTTP in JSON. Like Loki, it deduplicates lines of a stream with the same text
and time. Only the audit's ephemeral stack uses it.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.serving import ThreadedWSGIServer

# A batch of the collector is at most 1 MiB before encoding; JSON may be three times as large.
MAX_BODY_BYTES = 16 * 1024 * 1024


class FakeLokiStore:
    """Lines on disk, one JSON object each; they survive a restart."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "lines.jsonl"
        self._file.touch()
        self._lock = threading.Lock()

    def add(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Store lines; once this returns, a crash loses none of them."""
        text = "".join(f"{json.dumps(line, sort_keys=True)}\n" for line in lines)
        with self._lock, self._file.open("a", encoding="utf-8") as file:
            file.write(text)

    def lines(self, request_id: str) -> Iterator[str]:
        """Yield each distinct line whose request id has this prefix, as JSON of its fields."""
        with self._lock, self._file.open(encoding="utf-8") as file:
            # A dict keeps the order.
            kept = dict.fromkeys(line for line in file if request_id in line)
        for line in kept:
            fields = json.loads(line)["fields"]
            if str(fields.get("request_id", "")).startswith(request_id):
                yield json.dumps(fields)


def parse_otlp(body: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every line of an OTLP request: its time, its text, and all its fields.

    The input is an ExportLogsServiceRequest in OTLP's JSON encoding. Raises `KeyError` or
    `TypeError` for any other.
    """
    for resource in body["resourceLogs"]:
        labels = _attributes(resource.get("resource", {}))
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                # Without observedTimeUnixNano, which differs if a line is sent twice.
                yield {
                    "time": record.get("timeUnixNano"),
                    "text": record.get("body"),
                    "fields": {**labels, **_attributes(record)},
                }


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {item["key"]: _value(item["value"]) for item in holder.get("attributes", ())}


def _value(value: Mapping[str, Any]) -> Any:
    """Return a value; OTLP wraps it as {"stringValue": "x"} and writes integers as text."""
    kind, inner = next(iter(value.items()), ("", None))
    return int(str(inner)) if kind == "intValue" else inner


def create_app(store: FakeLokiStore) -> Flask:
    """Return the API for the collector, the readiness probe and the audit."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    @app.get("/ready")
    def ready() -> Response:
        return Response("ready\n")

    @app.get("/lines")
    def lines() -> Response:
        request_id = request.args.get("request_id", "")
        return Response(f"{line}\n" for line in store.lines(request_id))

    @app.post("/otlp/v1/logs")
    def add() -> Response:
        try:
            store.add(parse_otlp(json.loads(request.get_data())))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = f"The body is not OTLP in JSON: {type(error).__name__} {error}.\n"
            return Response(text, 400)
        return Response("{}", content_type="application/json")

    return app


class Server(ThreadedWSGIServer):
    """A server whose closing finishes open requests."""

    daemon_threads = False


def serve(address: tuple[str, int], folder: Path) -> Server:
    """Return a server that stores its lines in a folder."""
    # No line for each request: the collector would send it back to here.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    return Server(*address, create_app(FakeLokiStore(folder)))


def main(port: str, folder: str) -> None:
    """Serve on a loopback port until SIGTERM."""
    with serve(("127.0.0.1", int(port)), Path(folder)) as server:

        def leave(*_: object) -> None:
            # From another thread: it waits for the loop that this one is in.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, leave)
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])
