"""Faults that affect a request, or a call that the request makes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import requests
from flask import Flask, request
from werkzeug.wrappers import Response

from ..ops_endpoints import METRICS_PATH, is_ops_endpoint
from ..problems import Problem
from .state import FaultState

# gunicorn's arbiter ends the whole instance when a worker exits with this code. To kill the
# arbiter instead fails in a container, where it is process 1.
CRASH_CODE = 3
# How often a hanging request checks whether its fault has ended, in seconds.
HANG_POLL_INTERVAL_S = 0.05


class FaultInjectedError(Exception):
    """The exception that the fault `errors` raises inside a request."""


def init_app(
    app: Flask,
    state: FaultState,
    sleep: Callable[[float], None] = time.sleep,
    exit_process: Callable[[int], None] = os._exit,
) -> None:
    """Inject faults into requests and into scrapes. Call this after every other hook is added."""

    @app.before_request
    def inject() -> None:
        if is_ops_endpoint(request.path):
            return
        if state.should_inject("crash"):
            exit_process(CRASH_CODE)
        if state.should_inject("hang"):
            while state.active("hang"):
                sleep(HANG_POLL_INTERVAL_S)
        if latency := state.should_inject("latency"):
            sleep(latency.parameters["seconds"])
        if errors := state.should_inject("errors"):
            _fail(int(errors.parameters["status"]))

    @app.after_request
    def delay_scrape(response: Response) -> Response:
        # The only fault of an operations endpoint. It waits after the metrics are read, because
        # Prometheus takes the start of the scrape as the time of every sample.
        is_scrape = request.method == "GET" and request.path == METRICS_PATH
        if is_scrape and (slow := state.should_inject("slow_scrape")):
            sleep(slow.parameters["seconds"])
        return response


def _fail(status: int) -> None:
    if status == 500:  # as a bug in the code does: with a stack trace in the log
        raise FaultInjectedError("The fault `errors` is on.")
    raise Problem(status, "The fault `errors` is on.")


def fail_outgoing(state: FaultState) -> Callable[[], None]:
    """Return a guard that makes calls to other services fail while `dependency` is on."""

    def guard() -> None:
        if state.should_inject("dependency"):
            raise requests.ConnectionError("The fault `dependency` is on.")

    return guard
