"""Views that make requests to their own application through the test client, and threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from flask import (
    Flask,
    Response,
    copy_current_request_context,
    current_app,
    g,
    request,
    stream_with_context,
)
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, get


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)

    @app.get("/inner")
    def inner() -> ResponseReturnValue:
        return {"path": request.path, "own": request.headers.get("X-Own"), "g": sorted(g)}

    @app.get("/fails")
    def fails() -> ResponseReturnValue:
        raise ZeroDivisionError

    @app.get("/outer")
    def outer() -> ResponseReturnValue:
        g.outer = True
        answer = current_app.test_client().get("/inner", headers={"X-Own": "1"})
        return {"inner": answer.get_json(), "path": request.path, "g": sorted(g)}

    @app.get("/outer-of-missing")
    def outer_of_missing() -> ResponseReturnValue:
        return {
            "status": current_app.test_client().get("/missing").status_code,
            "path": request.path,
        }

    @app.get("/outer-of-fails")
    def outer_of_fails() -> ResponseReturnValue:
        return {"status": current_app.test_client().get("/fails").status_code, "path": request.path}

    @app.get("/outer-of-outer")
    def outer_of_outer() -> ResponseReturnValue:
        return {"outer": current_app.test_client().get("/outer").get_json(), "path": request.path}

    @app.get("/stream-of-inner")
    def stream_of_inner() -> ResponseReturnValue:
        def text() -> Iterator[str]:
            for _ in range(2):
                yield current_app.test_client().get("/inner").get_data(as_text=True)
            yield request.path

        return Response(stream_with_context(text()))

    @app.get("/request-context")
    def request_context() -> ResponseReturnValue:
        with current_app.test_request_context("/pretended"):
            pretended = request.path
        return {"pretended": pretended, "path": request.path}

    @app.get("/thread")
    def thread() -> ResponseReturnValue:
        seen: list[str] = []
        worker = threading.Thread(
            target=copy_current_request_context(lambda: seen.append(request.path))
        )
        worker.start()
        worker.join()
        return {"seen": seen, "g": sorted(g)}

    return instrument(app)


APPLICATION = Application(
    create,
    [
        get("inner", "/inner"),
        get("outer", "/outer", nested=[200]),
        get("outer-of-missing", "/outer-of-missing", nested=[404]),
        get("outer-of-fails", "/outer-of-fails", nested=[500]),
        get("outer-of-outer", "/outer-of-outer", nested=[200, 200]),
        get("stream-of-inner", "/stream-of-inner", nested=[200, 200]),
        get("request-context", "/request-context"),
        get("thread", "/thread"),
        get("inner-at-the-end", "/inner"),
    ],
)
