"""`POST /process`: pass the records to `data-service`, and return its response."""

from __future__ import annotations

import math

from circuitbreaker import CircuitBreaker
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from requests import RequestException, Session, Timeout
from requests import Response as PeerResponse

from alertdrill_telemetry import Telemetry
from alertdrill_telemetry.problems import Problem

from .breaker import Breaker
from .errors import BreakerOpenError
from .settings import WebSettings

PEER = "data-service"


class PeerFailedError(Exception):
    """`data-service` answered with a server error. The breaker counts it as a failure."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{PEER} answered {status}.")
        self.status = status


def blueprint(settings: WebSettings, telemetry: Telemetry) -> Blueprint:
    """Return the route. The process has one session and one breaker."""
    routes = Blueprint("process", __name__)
    session = telemetry.session(PEER)
    breaker = _breaker(settings, telemetry)
    url = f"{settings.data_service_url}/process"

    @routes.post("/process")
    def process() -> ResponseReturnValue:
        if not request.is_json:
            raise Problem(415, "Send the records as Content-Type: application/json.")
        body = request.get_data()  # Flask answers 413 if the body is over the limit
        try:
            response = breaker.call(lambda: _send(session, url, body))
        except (BreakerOpenError, PeerFailedError, RequestException) as error:
            raise _problem(error, settings.breaker_seconds) from error
        return Response(
            response.content, response.status_code, content_type=_content_type(response)
        )

    return routes


def _breaker(settings: WebSettings, telemetry: Telemetry) -> Breaker:
    gauge = telemetry.metrics.breaker_open.labels(peer=PEER)
    circuit = CircuitBreaker(
        failure_threshold=settings.breaker_failures,
        recovery_timeout=settings.breaker_seconds,
        expected_exception=(PeerFailedError, RequestException),
    )
    return Breaker(PEER, circuit, gauge.set)


def _send(session: Session, url: str, body: bytes) -> PeerResponse:
    response = session.post(url, data=body, headers={"Content-Type": "application/json"})
    if response.status_code >= 500:
        raise PeerFailedError(response.status_code)
    return response


def _content_type(response: PeerResponse) -> str:
    return response.headers.get("Content-Type", "application/octet-stream")


def _problem(error: Exception, retry_seconds: float) -> Problem:
    """Choose the status: 504 for a timeout, 503 without a connection, 502 for its own failure."""
    status, seconds = 503, retry_seconds
    if isinstance(error, BreakerOpenError):
        seconds = error.seconds
    elif isinstance(error, PeerFailedError):
        # 503 and 504 come from the load balancer: no instance is ready, or none answered in time.
        status = error.status if error.status in (503, 504) else 502
    elif isinstance(error, Timeout):
        status = 504
    retry_after = math.ceil(max(1.0, seconds))  # Retry-After is in whole seconds
    reasons = {502: "failed", 503: "is unavailable", 504: "did not answer in time"}
    return Problem(
        status,
        f"{PEER} {reasons[status]}: try again in {retry_after} s.",
        headers={"Retry-After": str(retry_after)},
        peer=PEER,
    )
