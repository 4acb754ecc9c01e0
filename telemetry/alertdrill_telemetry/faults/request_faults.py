"""Faults that affect a request, or a call that the request makes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import requests
from flask import Flask, request, request_started
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

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
    """Inject faults into requests, after their route is known and before the application's hooks.

    What the fault raises is handled as an exception of the application.
    """

    def inject(_app: Flask, **_: Any) -> None:
        if state.should_inject("crash"):
            exit_process(CRASH_CODE)
        if state.should_inject("hang"):
            while state.active("hang"):
                sleep(HANG_POLL_INTERVAL_S)
        if latency := state.should_inject("latency"):
            sleep(latency.parameters["seconds"])
        if errors := state.should_inject("errors"):
            _fail(int(errors.parameters["status"]))

    # `weak=False`: nothing else refers to the function.
    request_started.connect(inject, app, weak=False)


def delay_scrapes(
    operations: Flask, state: FaultState, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Delay scrapes: the only fault of an operations endpoint."""

    @operations.after_request
    def delay(response: Response) -> Response:
        # It waits after the metrics are read, because Prometheus takes the start of the scrape as
        # the time of every sample.
        is_scrape = request.method == "GET" and request.path == "/metrics"
        if is_scrape and (slow := state.should_inject("slow_scrape")):
            sleep(slow.parameters["seconds"])
        return response


def _fail(status: int) -> None:
    if status == 500:  # as a bug in the code does: with a stack trace in the log
        raise FaultInjectedError("The fault `errors` is on.")
    error = HTTPException("The fault `errors` is on.")
    error.code = status
    raise error


def fail_outgoing(state: FaultState) -> Callable[[], None]:
    """Return a guard that makes calls to other services fail while `dependency` is on."""

    def guard() -> None:
        if state.should_inject("dependency"):
            raise requests.ConnectionError("The fault `dependency` is on.")

    return guard
