"""Faults that strike a request, or a call that it makes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import requests
from flask import Flask, request
from werkzeug.wrappers import Response

from ..operations import METRICS_PATH, is_operation
from ..problems import Problem
from .state import FaultState

# gunicorn's arbiter ends the whole instance when a worker exits with this code; killing the
# arbiter instead would not work in a container, where it is process 1.
CRASH_CODE = 3
# How soon a hanging request notices that its fault is over.
HANG_STEP = 0.05


class FaultInjectedError(Exception):
    """The exception that the fault `errors` raises inside a request."""


def init_app(
    app: Flask,
    state: FaultState,
    sleep: Callable[[float], None] = time.sleep,
    leave: Callable[[int], None] = os._exit,
) -> None:
    """Strike requests, and of the operations the scrape alone; must hook into `app` last."""

    @app.before_request
    def strike() -> None:
        if is_operation(request.path):
            return
        if state.strikes("crash"):
            leave(CRASH_CODE)
        if state.strikes("hang"):
            while state.active("hang"):
                sleep(HANG_STEP)
        if latency := state.strikes("latency"):
            sleep(latency.parameters["seconds"])
        if errors := state.strikes("errors"):
            _fail(int(errors.parameters["status"]))

    @app.after_request
    def strike_scrape(response: Response) -> Response:
        # The one fault of an operation. It comes after the metrics are read: their clock is that
        # of the scrape's beginning, which Prometheus takes as the time of every sample.
        is_scrape = request.method == "GET" and request.path == METRICS_PATH
        if is_scrape and (scrape := state.strikes("slow_scrape")):
            sleep(scrape.parameters["seconds"])
        return response


def _fail(status: int) -> None:
    if status == 500:  # as a bug in the code would: with a stack in the log
        raise FaultInjectedError("The fault `errors` is on.")
    raise Problem(status, "The fault `errors` is on.")


def refuse_calls(state: FaultState) -> Callable[[], None]:
    """Return the guard that makes calls to other services fail while `dependency` strikes."""

    def guard() -> None:
        if state.strikes("dependency"):
            raise requests.ConnectionError("The fault `dependency` is on.")

    return guard
