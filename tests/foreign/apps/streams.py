"""Streams: generators that end, that break before and after the first byte, and clients that go."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flask import Flask, Response, request, session, stream_template_string, stream_with_context
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Case, Instrument, case, get
from tests.foreign.http_client import HANG_UP, Step

PAUSE_S = 0.05
CHUNKS = 5


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    app.secret_key = "for tests"
    _add_streams(app)
    _add_broken_streams(app)
    return instrument(app)


def _add_streams(app: Flask) -> None:
    @app.get("/chunks")
    def chunks() -> ResponseReturnValue:
        return Response((f"chunk {number}\n" for number in range(CHUNKS)), mimetype="text/plain")

    @app.get("/empty-chunks")
    def empty_chunks() -> ResponseReturnValue:
        return Response(iter(["", "a", "", "b", ""]))

    @app.get("/nothing")
    def nothing() -> ResponseReturnValue:
        return Response(iter(()))

    @app.get("/sized")
    def sized() -> ResponseReturnValue:
        return Response(iter([b"12345", b"67890"]), headers={"Content-Length": "10"})

    @app.get("/with-context")
    def with_context() -> ResponseReturnValue:
        def text() -> Iterator[str]:
            yield request.args["name"]
            yield " and "
            yield str(session.get("user"))

        return Response(stream_with_context(text()))

    @app.get("/template")
    def template() -> ResponseReturnValue:
        source = "{% for n in range(3) %}<li>{{ n }} {{ request.path }}</li>{% endfor %}"
        return Response(stream_template_string(source))

    @app.get("/slow")
    def slow() -> ResponseReturnValue:
        def text() -> Iterator[str]:
            for number in range(CHUNKS):
                time.sleep(PAUSE_S)
                yield f"{number} "

        return Response(text())

    @app.get("/events")
    def events() -> ResponseReturnValue:
        def lines() -> Iterator[str]:
            for number in range(3):
                yield f"id: {number}\ndata: event\n\n"

        return Response(
            lines(), mimetype="text/event-stream", headers={"Cache-Control": "no-cache"}
        )

    @app.get("/large")
    def large() -> ResponseReturnValue:
        return Response(b"%04d" % number * 4096 for number in range(64))

    @app.get("/endless")
    def endless() -> ResponseReturnValue:
        def ticks() -> Iterator[str]:
            while True:
                yield "tick " * 1000
                time.sleep(PAUSE_S / 10)

        return Response(ticks())


def _add_broken_streams(app: Flask) -> None:
    @app.get("/breaks-at-once")
    def breaks_at_once() -> ResponseReturnValue:
        def text() -> Iterator[str]:
            raise RuntimeError("before the first byte")
            yield "never"  # type: ignore[unreachable] # makes it a generator

        return Response(text())

    @app.get("/breaks-in-the-middle")
    def breaks_in_the_middle() -> ResponseReturnValue:
        def text() -> Iterator[str]:
            yield "first "
            yield "second "
            raise RuntimeError("in the middle")

        return Response(text())

    @app.get("/breaks-when-sized")
    def breaks_when_sized() -> ResponseReturnValue:
        def text() -> Iterator[str]:
            yield "12345"
            raise RuntimeError("in the middle")

        return Response(text(), headers={"Content-Length": "10"})

    @app.get("/shorter-than-announced")
    def shorter() -> ResponseReturnValue:
        return Response(iter([b"12345"]), headers={"Content-Length": "10"})


APPLICATION = Application(
    create,
    [
        get("chunks", "/chunks"),
        Case(
            "http-1.0",
            b"GET /chunks HTTP/1.0\r\nX-Request-ID: http-1.0\r\n\r\n",
            ["GET"],
            [200],
        ),
        case("head", "HEAD", "/chunks"),
        get("empty-chunks", "/empty-chunks"),
        get("nothing", "/nothing"),
        get("content-length", "/sized"),
        get("context", "/with-context?name=me"),
        get("template", "/template"),
        get("slow", "/slow", min_duration_ms=1000 * PAUSE_S * CHUNKS),
        get("events", "/events"),
        get("large", "/large"),
        get("breaks-at-once", "/breaks-at-once", status=500, breaks="with an error"),
        get(
            "breaks-in-the-middle", "/breaks-in-the-middle", complete=False, breaks="with an error"
        ),
        get("breaks-with-a-length", "/breaks-when-sized", complete=False, breaks="with an error"),
        get(
            "shorter-than-announced", "/shorter-than-announced", complete=False, breaks="too early"
        ),
        get("client-goes", "/endless", complete=False, steps=[Step(b"tick", HANG_UP)]),
        get("after-the-broken-ones", "/chunks"),
    ],
)
