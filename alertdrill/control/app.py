"""The control API: three operations, which require the token, and routes for monitoring."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, Flask, Response, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from pydantic import BaseModel, Field, ValidationError

from ..clients import http
from ..config.settings import IN_NETWORK
from ..runtimes.base import ControlTarget
from ..runtimes.engine import ProjectEngine
from ..runtimes.select import select_control_target
from . import problems
from .idempotency import Outcome
from .problems import Problem
from .reconcile import ENGINE_TIMEOUT_S, Reconciler
from .service import ControlService
from .settings import ControlSettings

# A proxy and the engine behind it answer within milliseconds; a scrape may take 5 s.
PING_TIMEOUT_S = 2.0
# A request body has one member; a larger body is a mistake.
MAX_BODY_BYTES = 4096
# Longer than the grace period of any service (25 s).
MAX_GRACE_S = 60
# Programs generate the keys; a UUID has 36 characters.
MAX_KEY_LENGTH = 200


class RestartBody(BaseModel, strict=True, extra="forbid", allow_inf_nan=False):
    """The body of a restart; without a grace period the instance's own applies."""

    grace_period: float | None = Field(default=None, ge=0, le=MAX_GRACE_S)


class ScaleBody(BaseModel, strict=True, extra="forbid"):
    """The body of a scaling; the runtime checks the range."""

    instances: int


B = TypeVar("B", bound=BaseModel)


def create_app(
    settings: ControlSettings,
    runtime: ControlTarget,
    is_alive: Callable[[], bool] = lambda: True,
    proxy_answers: Callable[[str], bool] = lambda _: False,
) -> Flask:
    """Return the API for a runtime.

    The health check and scrapes fail while `is_alive`, of the reconcile loop, returns false.
    `proxy_answers` tells whether a proxy, such as docker-proxy-1, reaches the engine.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    problems.init_app(app)
    service = ControlService(runtime, settings.stack, settings.state)
    app.register_blueprint(blueprint(service, settings.token))
    app.register_blueprint(monitoring(is_alive, proxy_answers))
    return app


def serve() -> Flask:
    """Return the API for the runtime that the environment names, and start its reconcile loop.

    Only containers need the loop: supervisord and Swarm restart what is killed.
    """
    settings = ControlSettings.from_env(os.environ)
    runtime = select_control_target(settings.stack)
    if settings.stack.runtime != IN_NETWORK:
        return create_app(settings, runtime)
    host, project = os.environ.get("DOCKER_HOST", ""), settings.stack.project
    reconciler = Reconciler(ProjectEngine(host, project, ENGINE_TIMEOUT_S))
    reconciler.start_thread()

    def proxy_answers(name: str) -> bool:
        url = f"http://{project}-{name}:{host.rpartition(':')[2]}/_ping"
        return http.is_ready(url, PING_TIMEOUT_S)

    return create_app(settings, runtime, reconciler.is_alive, proxy_answers)


def monitoring(is_alive: Callable[[], bool], proxy_answers: Callable[[str], bool]) -> Blueprint:
    """Return the routes for health checks and scrapes, which need no token.

    The proxies are on no network with Prometheus: it scrapes them through here.
    """
    routes = Blueprint("monitoring", __name__)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)

    @routes.before_request
    def check_loop() -> None:
        if not is_alive():
            raise Problem(503, "The reconcile loop hangs: restart this instance.")

    @routes.get("/healthz")
    def healthz() -> Response:
        return jsonify({"status": "ok"})

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    @routes.get("/proxies/<name>/metrics")
    def proxy(name: str) -> Response:
        if not re.fullmatch(r"docker-proxy-\d", name):
            raise Problem(404, f"no proxy named {name!r}.")
        if not proxy_answers(name):
            raise Problem(503, f"{name} does not answer, or the engine behind it.")
        return Response("", content_type=CONTENT_TYPE_LATEST)  # `up` is all

    return routes


def blueprint(service: ControlService, token: str) -> Blueprint:
    """Return the operations, which require the token."""
    routes = Blueprint("control", __name__)

    @routes.before_request
    def check_token() -> None:
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        # In constant time, so that timing reveals nothing about the token.
        matches = secrets.compare_digest(sent.strip().encode(), token.encode())
        if scheme.lower() != "bearer" or not matches:
            raise Problem(401, "The token is missing or wrong: send it as a bearer token.")

    @routes.get("/instances")
    def instances() -> Response:
        return jsonify(service.instances())

    @routes.post("/instances/<name>/restart")
    def restart(name: str) -> Response:
        demand = f'send 0 to {MAX_GRACE_S} seconds, as in {{"grace_period": 0}}.'
        grace = _body(RestartBody, demand).grace_period
        return _answer(service.restart(_key(), name, grace))

    @routes.put("/services/<name>/scale")
    def scale(name: str) -> Response:
        count = _body(ScaleBody, 'send an integer, as in {"instances": 3}.').instances
        return _answer(service.scale(_key(), name, count))

    return routes


def _body(model: type[B], demand: str) -> B:
    """Return the body of the request; raise a `Problem` with the demand for another one."""
    try:
        return model.model_validate_json(request.get_data() or b"{}")
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise Problem(400, f"The body is refused ({reason}): {demand}") from None


def _key() -> str:
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key or len(key) > MAX_KEY_LENGTH or not key.isprintable():
        raise Problem(
            400, f"Idempotency-Key must have 1 to {MAX_KEY_LENGTH} characters: send the header."
        )
    return key


def _answer(outcome: Outcome) -> Response:
    if outcome.status != 200:
        return problems.answer(outcome.status, outcome.detail)
    return jsonify({"status": outcome.status, "detail": outcome.detail})
