"""A fake of Loki for hosts without it: stores lines and returns them by request id.

It accepts OTLP over HTTP in JSON. Like Loki, it deduplicates lines of a stream with the same text
and time. Only the audit's ephemeral stack uses it.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

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


class FakeLokiHandler(BaseHTTPRequestHandler):
    """Serves the collector, the readiness probe and the audit."""

    store: FakeLokiStore

    def do_GET(self) -> None:
        """Return readiness, or the stored lines."""
        url = urlsplit(self.path)
        if url.path == "/ready":
            self._answer(200, "ready\n")
        elif url.path == "/lines":
            request_id = parse_qs(url.query).get("request_id", [""])[0]
            self._answer(200, "".join(f"{line}\n" for line in self.store.lines(request_id)))
        else:
            self._answer(404, "Not found.\n")

    def do_POST(self) -> None:
        """Store lines and respond after they are on disk."""
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/otlp/v1/logs":
            self._answer(404, "POST lines to /otlp/v1/logs.\n")
            return
        if length > MAX_BODY_BYTES:
            self._answer(413, f"A body has at most {MAX_BODY_BYTES} bytes.\n")
            return
        try:
            self.store.add(parse_otlp(json.loads(self.rfile.read(length))))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._answer(400, f"The body is not OTLP in JSON: {type(error).__name__} {error}.\n")
        else:
            self._answer(200, "{}", "application/json")

    def _answer(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Write nothing: the collector would send its lines back to it."""


def serve(address: tuple[str, int], folder: Path) -> ThreadingHTTPServer:
    """Return a server that stores its lines in a folder; closing it finishes open requests."""
    handler = type("OwnHandler", (FakeLokiHandler,), {"store": FakeLokiStore(folder)})
    server = ThreadingHTTPServer(address, handler)
    server.daemon_threads = False
    return server


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
