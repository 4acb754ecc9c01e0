"""The four routes; three of them require the token."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, jsonify, request

from . import problems, schemas
from .errors import Problem
from .idempotency import Outcome
from .service import ControlService

HEALTH_PATH = "/healthz"


def blueprint(service: ControlService, token: str) -> Blueprint:
    """Return the routes; all but the health check require the token."""
    routes = Blueprint("control", __name__)

    @routes.before_request
    def check_token() -> None:
        if request.path != HEALTH_PATH and not _has_token(
            request.headers.get("Authorization", ""), token
        ):
            raise Problem(401, "The token is missing or wrong: send it as a bearer token.")

    @routes.get(HEALTH_PATH)
    def healthz() -> Response:
        return jsonify({"status": "ok"})

    @routes.get("/instances")
    def instances() -> Response:
        return jsonify(service.instances())

    @routes.post("/instances/<name>/restart")
    def restart(name: str) -> Response:
        grace = schemas.grace(request.get_data())
        return _answer(service.restart(_key(), name, grace))

    @routes.put("/services/<name>/scale")
    def scale(name: str) -> Response:
        count = schemas.instances(request.get_data())
        return _answer(service.scale(_key(), name, count))

    return routes


def _has_token(header: str, token: str) -> bool:
    """Compare in constant time, so that timing reveals nothing about the token."""
    scheme, _, credentials = header.partition(" ")
    matches = secrets.compare_digest(credentials.strip().encode(), token.encode())
    return matches and scheme.lower() == "bearer"


def _key() -> str:
    return schemas.key(request.headers.get("Idempotency-Key"))


def _answer(outcome: Outcome) -> Response:
    if outcome.status != 200:
        return problems.answer(outcome.status, outcome.detail)
    return jsonify({"status": outcome.status, "detail": outcome.detail})
