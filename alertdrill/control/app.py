"""The control API: routes that require the token, and operations for health checks and scrapes."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator

from flask import Flask, Response, request
from werkzeug.exceptions import InternalServerError

from alertdrill_telemetry import Telemetry, init_app, problems
from alertdrill_telemetry.metrics import Metrics, Sample
from alertdrill_telemetry.problems import Problem

from ..clients import http
from ..config.settings import IN_NETWORK
from ..errors import AlertdrillError
from ..runtimes.base import SUPERVISOR_METRICS, ControlTarget, SupervisedRuntime
from ..runtimes.engine import ProjectEngine
from ..runtimes.select import select_control_target
from .reconcile import ENGINE_TIMEOUT_S, Reconciler
from .service import FAILED, ControlService, status_of
from .settings import ControlSettings

# A proxy and the engine behind it answer within milliseconds; a scrape may take 5 s.
PING_TIMEOUT_S = 2.0
# A request body has one member; a larger body is a mistake.
MAX_BODY_BYTES = 4096


def create_app(
    settings: ControlSettings,
    runtime: ControlTarget,
    is_alive: Callable[[], bool] = lambda: True,
    proxy_answers: Callable[[str], bool] = lambda _: False,
) -> Flask:
    """Return the API for a runtime.

    Health checks and scrapes fail while `is_alive`, of the reconcile loop, returns false.
    `proxy_answers` tells whether a proxy, such as docker-proxy-1, reaches the engine.
    """
    app = Flask(__name__, static_folder=None)
    telemetry = init_app(app, service="control")
    if isinstance(runtime, SupervisedRuntime):
        declare_lost_lines(telemetry.metrics, runtime)
        _add_supervisor(telemetry.operations, runtime)
    problems.init_app(app, MAX_BODY_BYTES)
    app.register_error_handler(
        AlertdrillError, lambda error: Problem(status_of(error), str(error)).response()
    )
    app.register_error_handler(InternalServerError, lambda _: Problem(500, FAILED).response())
    app.register_blueprint(ControlService(settings, runtime).blueprint())
    _extend_operations(telemetry, is_alive, proxy_answers)
    return app


def serve() -> Flask:
    """Return the API for the runtime that the environment names, and start its reconcile loop.

    Only containers need the loop: supervisord and Swarm restart what is killed. What starts
    supervisord again if it is killed is a thread of this process.
    """
    settings = ControlSettings.from_env(os.environ)
    runtime = select_control_target(settings.stack)
    if isinstance(runtime, SupervisedRuntime):
        threading.Thread(target=runtime.watch_supervisor, name="watch", daemon=True).start()
    if settings.stack.runtime != IN_NETWORK:
        return create_app(settings, runtime)
    host, project = os.environ.get("DOCKER_HOST", ""), settings.stack.project
    engine = ProjectEngine(host, project, ENGINE_TIMEOUT_S)
    reconciler = Reconciler(engine, speed=settings.stack.speed)
    reconciler.start_thread()

    def proxy_answers(name: str) -> bool:
        url = f"http://{project}-{name}:{host.rpartition(':')[2]}/_ping"
        return http.is_ready(url, PING_TIMEOUT_S)

    return create_app(settings, runtime, reconciler.is_alive, proxy_answers)


def _extend_operations(
    telemetry: Telemetry, is_alive: Callable[[], bool], proxy_answers: Callable[[str], bool]
) -> None:
    """Let scrapes fail while nothing is healed (ControlDown), and add those of the proxies.

    The proxies are on no network with Prometheus: it scrapes them through here.
    """
    operations = telemetry.operations

    @operations.before_request
    def check_threads() -> None:
        if not is_alive():
            raise Problem(503, "The reconcile loop hangs: restart this instance.")
        reason = telemetry.readiness.reasons().get("worker_threads")
        if reason is not None and request.path == "/metrics":
            raise Problem(503, reason)

    @operations.get("/proxies/<name>/metrics")
    def proxy(name: str) -> Response:
        if not re.fullmatch(r"docker-proxy-\d", name):
            raise Problem(404, f"no proxy named {name!r}.")
        if not proxy_answers(name):
            raise Problem(503, f"{name} does not answer, or the engine behind it.")
        return Response("", mimetype="text/plain")  # `up` is all


def declare_lost_lines(metrics: Metrics, runtime: SupervisedRuntime) -> None:
    """Declare the counter of the lines that the runtime could not write to the log files."""

    def read() -> Iterator[Sample]:
        try:
            for process, lines in runtime.lost_log_lines().items():
                yield (process,), lines
        except AlertdrillError:  # the stack is starting or stopping
            return

    metrics.callback_counter(
        "supervisor_log_lines_lost_total",
        "Log lines of a process that supervisord could not write to its file.",
        ("process",),
        read,
    )


def _add_supervisor(operations: Flask, runtime: SupervisedRuntime) -> None:
    """Add the scrape of supervisord, which has no metrics: it fails while supervisord is gone."""

    @operations.get(SUPERVISOR_METRICS)
    def supervisor() -> Response:
        if not runtime.supervisor_answers():
            raise Problem(503, "supervisord does not answer.")
        return Response("", mimetype="text/plain")  # `up` is all
