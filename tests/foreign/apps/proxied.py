"""What an application learns of its client: addresses, schemes and hosts, behind a proxy or not."""

from __future__ import annotations

from flask import Flask, request, url_for
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, get


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)

    @app.get("/client")
    def client() -> ResponseReturnValue:
        return {
            "remote_addr": request.remote_addr,
            "route": request.access_route,
            "scheme": request.scheme,
            "host": request.host,
            "url": request.url,
            "root": request.script_root,
            "link": url_for("client", _external=True),
            "headers": sorted(request.headers.items()),
            "method": request.environ["REQUEST_METHOD"],
            "raw": request.environ.get("RAW_URI"),
        }

    return instrument(app)


FORWARDED = [
    ("X-Forwarded-For", "203.0.113.9, 198.51.100.7"),
    ("X-Forwarded-Host", "front.example"),
    ("X-Forwarded-Port", "8443"),
    ("X-Forwarded-Prefix", "/front"),
]
# The server's own port is in no field that is asked for, since the Host header has none.
APPLICATION = Application(
    create,
    [
        get("direct", "/client?a=%2F"),
        get("forwarded", "/client", headers=FORWARDED),
        get("forwarded-scheme", "/client", headers=[*FORWARDED, ("X-Forwarded-Proto", "https")]),
        get("scheme-that-the-server-ignores", "/client", headers=[("X-Forwarded-Proto", "wss")]),
        get("several-schemes", "/client", headers=[("X-Forwarded-Proto", "http, wss")]),
        get("standard-header", "/client", headers=[("Forwarded", "for=203.0.113.9;proto=https")]),
        get(
            "trace-headers", "/client", headers=[("traceparent", "00-0-0-0"), ("tracestate", "a=b")]
        ),
        get("invalid-request-id", "/client", request_id=False, headers=[("X-Request-ID", "ü ü")]),
        get("baggage", "/client", headers=[("Cookie", "a=1"), ("Accept", "*/*"), ("DNT", "1")]),
    ],
)
