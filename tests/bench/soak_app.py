"""The application of the soak: quick answers, streams, large answers, uploads and errors."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flask import Flask, Response, request

from alertdrill_telemetry import init_app

# A stream takes 0.3 s.
PARTS, PAUSE_S = 4, 0.1
LARGE = b"x" * 1024 * 1024


def create_app() -> Flask:
    """Return the application."""
    app = Flask("soak", static_folder=None)
    init_app(app, "soak")

    @app.get("/quick")
    def quick() -> str:
        return "quick"

    @app.get("/stream")
    def stream() -> Response:
        def body() -> Iterator[bytes]:
            for number in range(PARTS):
                if number:
                    time.sleep(PAUSE_S)
                yield b"part"

        return Response(body())

    @app.get("/large")
    def large() -> bytes:
        return LARGE

    @app.post("/upload")
    def upload() -> str:
        return str(len(request.get_data()))

    @app.get("/error")
    def error() -> str:
        return str(1 // 0)

    return app
