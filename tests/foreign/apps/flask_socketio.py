"""Flask-SocketIO: long polling and WebSockets beside the routes of the application."""

from __future__ import annotations

from typing import Any

from flask import Flask, request, session
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Case, Instrument, get, post
from tests.foreign.http_client import Step

SID = r'"sid":"([^"]+)"'
POLL = "/socket.io/?EIO=4&transport=polling"


def create(instrument: Instrument) -> Flask:
    from flask_socketio import SocketIO, emit

    app = Flask(__name__)
    app.secret_key = "for tests"
    socketio = SocketIO(app, async_mode="threading", async_handlers=False)

    @app.get("/")
    def home() -> ResponseReturnValue:
        return "<script src=/socket.io.js></script>"

    def connect() -> None:
        session["visits"] = 1

    def echo(data: Any) -> None:
        emit("echoed", {"data": data, "path": request.path, "visits": session["visits"]})

    def acknowledge(_data: Any) -> str:
        return "acknowledged"

    for event, handler in (("connect", connect), ("echo", echo), ("acknowledge", acknowledge)):
        socketio.on_event(event, handler)

    return instrument(app)


def frame(payload: bytes, kind: int = 1) -> bytes:
    """Return a frame of a client (RFC 6455, 5.2); its mask is zero, which changes no byte."""
    assert len(payload) < 126  # a longer one has its length in another place
    return bytes([0x80 | kind, 0x80 | len(payload), 0, 0, 0, 0]) + payload


CLOSE = frame((1000).to_bytes(2), kind=8)
UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    b"Host: localhost\r\n"
    b"X-Request-ID: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Upgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

APPLICATION = Application(
    create,
    [
        get("home", "/"),
        get("open", POLL, random={"sid": SID}),
        post("connect", POLL + "&sid={{sid}}", b"40", "text/plain"),
        get("connected", POLL + "&sid={{sid}}", random={"socket": SID}),
        post("event", POLL + "&sid={{sid}}", b'42["echo",{"a":1}]', "text/plain"),
        get("answer", POLL + "&sid={{sid}}"),
        post("acknowledged", POLL + "&sid={{sid}}", b'421["acknowledge",{}]', "text/plain"),
        get("acknowledgement", POLL + "&sid={{sid}}"),
        get("unknown-session", POLL + "&sid=unknown", status=400),
        get("unknown-transport", "/socket.io/?EIO=4&transport=pigeon", status=400),
        get("missing", "/x", status=404),
        Case(
            "websocket",
            UPGRADE,
            ["GET"],
            [101],
            random={
                "sid of the websocket": r'0\{"sid":"([^"]+)"',
                "socket of the websocket": r'40\{"sid":"([^"]+)"',
            },
            steps=[
                Step(b'0{"sid"', frame(b"40")),
                Step(b'40{"sid"', frame(b'42["echo","hello"]')),
                Step(b'"echoed"', CLOSE),
            ],
        ),
        get("home-after-the-websocket", "/"),
    ],
    keeps_state=True,
)
