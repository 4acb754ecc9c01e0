"""Async views, hooks and error handlers, which Flask runs through asgiref."""

from __future__ import annotations

import asyncio

from flask import Flask, Response, g, request, session
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, case, get, post_json


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    app.secret_key = "for tests"

    @app.before_request
    async def before() -> None:
        await asyncio.sleep(0)
        g.before = "async"

    @app.after_request
    async def after(response: Response) -> Response:
        response.headers["X-After"] = "async"
        return response

    @app.errorhandler(LookupError)
    async def handler(error: LookupError) -> ResponseReturnValue:
        await asyncio.sleep(0)
        return f"handled {error}", 404

    @app.get("/")
    async def home() -> ResponseReturnValue:
        await asyncio.sleep(0.02)
        return {"before": g.before, "path": request.path, "session": dict(session)}

    @app.get("/gather")
    async def gather() -> ResponseReturnValue:
        async def part(number: int) -> str:
            await asyncio.sleep(0.01 * (3 - number))
            return f"{number} {request.path}"

        return {"parts": await asyncio.gather(*(part(number) for number in range(3)))}

    @app.get("/fails")
    async def fails() -> ResponseReturnValue:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    @app.get("/handled")
    async def handled() -> ResponseReturnValue:
        raise LookupError("here")

    @app.post("/body")
    async def body() -> ResponseReturnValue:
        return {"got": request.get_json()}

    return instrument(app)


APPLICATION = Application(
    create,
    [
        get("home", "/", min_duration_ms=20),
        get("gather", "/gather"),
        get("fails", "/fails", status=500),
        get("handled", "/handled", status=404),
        get("missing", "/x", status=404),
        post_json("body", "/body", "[1, 2]"),
        case("head", "HEAD", "/"),
    ],
)
