"""The four routes, three of them behind the token."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, jsonify, request

from . import bodies, problems
from .desk import Desk
from .errors import Problem
from .once import Outcome

OPEN = "/healthz"


def blueprint(desk: Desk, token: str) -> Blueprint:
    """Return the routes; all but the health check ask for the token."""
    made = Blueprint("control", __name__)

    @made.before_request
    def check_token() -> None:
        if request.path != OPEN and not _knows(request.headers.get("Authorization", ""), token):
            raise Problem(401, "The token is missing or wrong: send it as a bearer token.")

    @made.get(OPEN)
    def healthz() -> Response:
        return jsonify({"status": "ok"})

    @made.get("/instances")
    def instances() -> Response:
        return jsonify(desk.instances())

    @made.post("/instances/<name>/restart")
    def restart(name: str) -> Response:
        grace = bodies.grace(request.get_data())
        return _answer(desk.restart(_key(), name, grace))

    @made.put("/services/<service>/scale")
    def scale(service: str) -> Response:
        count = bodies.instances(request.get_data())
        return _answer(desk.scale(_key(), service, count))

    return made


def _knows(header: str, token: str) -> bool:
    """Compare in constant time, so that nobody learns the token by the time it takes."""
    kind, _, given = header.partition(" ")
    same = secrets.compare_digest(given.strip().encode(), token.encode())
    return same and kind.lower() == "bearer"


def _key() -> str:
    return bodies.key(request.headers.get("Idempotency-Key"))


def _answer(outcome: Outcome) -> Response:
    if outcome.status != 200:
        return problems.answer(outcome.status, outcome.sentence)
    return jsonify({"status": outcome.status, "detail": outcome.sentence})
