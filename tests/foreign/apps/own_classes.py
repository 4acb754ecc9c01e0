"""An application with classes of its own: responses, requests, JSON, sessions, context globals."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Request, Response, g, request, session
from flask.ctx import _AppCtxGlobals
from flask.json.provider import JSONProvider
from flask.sessions import SessionInterface, SessionMixin
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, get, post_json


class XmlResponse(Response):
    default_mimetype = "application/xml"


class UpperRequest(Request):
    @property
    def upper(self) -> str:
        return self.path.upper()


class CompactJson(JSONProvider):
    def dumps(self, obj: Any, **_: Any) -> str:
        return json.dumps(obj, separators=(",", ":"), sort_keys=False)

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return {"loaded": json.loads(s)}


class HeaderSession(dict[str, Any], SessionMixin):
    pass


class HeaderSessions(SessionInterface):
    """Keeps the session in a header."""

    def open_session(self, app: Flask, request: Request) -> HeaderSession:
        return HeaderSession(json.loads(request.headers.get("X-Session", "{}")))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        response.headers["X-Session"] = json.dumps(dict(session))


class StrictGlobals(_AppCtxGlobals):
    """Refuses names that the application does not know."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("user",):
            raise AttributeError(f"{name} is no name of this application")
        super().__setattr__(name, value)


class OwnFlask(Flask):
    response_class = XmlResponse
    request_class = UpperRequest
    json_provider_class = CompactJson
    session_interface = HeaderSessions()
    app_ctx_globals_class = StrictGlobals


def create(instrument: Instrument) -> Flask:
    app = OwnFlask(__name__)

    @app.before_request
    def load_user() -> None:
        g.user = session.get("user")

    @app.get("/xml")
    def xml() -> ResponseReturnValue:
        return f"<user>{g.user}</user>"

    @app.get("/upper")
    def upper() -> ResponseReturnValue:
        return {"upper": request.upper, "z": 1, "a": 2}  # type: ignore[attr-defined]

    @app.post("/json")
    def posted() -> ResponseReturnValue:
        session["last"] = request.get_json()
        return request.get_json()  # type: ignore[no-any-return]

    return instrument(app)


APPLICATION = Application(
    create,
    [
        get("response-class", "/xml", headers=[("X-Session", '{"user": "ann"}')]),
        get("request-and-json-classes", "/upper"),
        post_json("session-class", "/json", '{"b": 1, "a": [2]}'),
        get("missing", "/x", status=404),
        post_json("not-allowed", "/xml", "{}", status=405),
    ],
)
