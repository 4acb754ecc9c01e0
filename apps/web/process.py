"""`POST /process`: pass the records to `data-service` and its answer back."""

from __future__ import annotations

import math

from circuitbreaker import CircuitBreaker
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from requests import RequestException, Session, Timeout
from requests import Response as PeerResponse

from apps.telemetry import Telemetry
from apps.telemetry.problems import Problem

from .breaker import Breaker
from .errors import BreakerOpenError
from .settings import WebSettings

PEER = "data-service"


class PeerFailedError(Exception):
    """`data-service` answered with a server error; it counts against the breaker."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{PEER} answered {status}.")
        self.status = status


def blueprint(settings: WebSettings, telemetry: Telemetry) -> Blueprint:
    """Return the route, with one session and one breaker for the life of the process."""
    routes = Blueprint("process", __name__)
    session = telemetry.session(PEER)
    breaker = _breaker(settings, telemetry)
    address = f"{settings.data_service_url}/process"

    @routes.post("/process")
    def process() -> ResponseReturnValue:
        if not request.is_json:
            raise Problem(415, "Send the records as Content-Type: application/json.")
        body = request.get_data()  # answers 413 where it is over the limit
        try:
            answer = breaker.call(lambda: _ask(session, address, body))
        except (BreakerOpenError, PeerFailedError, RequestException) as error:
            raise _problem(error, settings.breaker_seconds) from error
        return Response(answer.content, answer.status_code, content_type=_content_type(answer))

    return routes


def _breaker(settings: WebSettings, telemetry: Telemetry) -> Breaker:
    gauge = telemetry.metrics.breaker_open.labels(peer=PEER)
    circuit = CircuitBreaker(
        failure_threshold=settings.breaker_failures,
        recovery_timeout=settings.breaker_seconds,
        expected_exception=(PeerFailedError, RequestException),
    )
    return Breaker(PEER, circuit, gauge.set)


def _ask(session: Session, address: str, body: bytes) -> PeerResponse:
    answer = session.post(address, data=body, headers={"Content-Type": "application/json"})
    if answer.status_code >= 500:
        raise PeerFailedError(answer.status_code)
    return answer


def _content_type(answer: PeerResponse) -> str:
    return answer.headers.get("Content-Type", "application/octet-stream")


def _problem(error: Exception, retry_seconds: float) -> Problem:
    """Choose the status: 504 too slow, 503 away or refused for now, 502 a failure of its own."""
    status, seconds = 503, retry_seconds
    if isinstance(error, BreakerOpenError):
        seconds = error.seconds
    elif isinstance(error, PeerFailedError):
        # 503 and 504 come from the load balancer: no instance, or none that was fast enough.
        status = error.status if error.status in (503, 504) else 502
    elif isinstance(error, Timeout):
        status = 504
    whole = math.ceil(max(1.0, seconds))  # Retry-After takes whole seconds
    says = {502: "failed", 503: "can't be reached now", 504: "did not answer in time"}
    return Problem(
        status,
        f"{PEER} {says[status]}: try again in {whole} s.",
        headers={"Retry-After": str(whole)},
        peer=PEER,
    )
