"""Calls to other services, with pooling, timeouts, retries, metrics and request context."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from . import context
from .exporter import METHODS, OTHER_METHOD
from .metrics import Metrics
from .settings import TelemetrySettings

# A failed connection carried no request, so a retry is always safe. Two retries cover an instance
# that is being replaced.
CONNECT_RETRIES = 2
# No pause before the first retry and 0.2 s before the second: about the time that the load
# balancer needs to pick another instance.
BACKOFF_FACTOR_S = 0.1
# At least the number of threads of an instance, so that no thread waits for a connection.
POOL_SIZE = 64


class ServiceAdapter(HTTPAdapter):
    """Sends requests to one peer with context headers, timeouts, retries and metrics.

    It calls each guard before a request. A guard refuses the request by raising.
    """

    def __init__(
        self,
        peer: str,
        settings: TelemetrySettings,
        metrics: Metrics,
        guards: Sequence[Callable[[], None]] = (),
    ) -> None:
        retries = Retry(
            total=None,
            connect=CONNECT_RETRIES,
            read=False,
            other=False,
            backoff_factor=BACKOFF_FACTOR_S,
        )
        super().__init__(pool_maxsize=POOL_SIZE, max_retries=retries)
        self._peer = peer
        self._timeout = (settings.connect_timeout, settings.read_timeout)
        self._metrics = metrics
        self._guards = guards

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send one request; raise an exception of `requests` without a response in time."""
        self._add_context(request)
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout
        started = time.perf_counter()
        status = "error"
        try:
            for guard in self._guards:
                guard()
            response = super().send(request, *args, **kwargs)
            status = str(response.status_code)
        finally:
            self._metrics.client_duration.labels(
                peer=self._peer,
                method=request.method if request.method in METHODS else OTHER_METHOD,
                status=status,
            ).observe(time.perf_counter() - started)
        return response

    def _add_context(self, request: PreparedRequest) -> None:
        request_context = context.current()
        if request_context is not None:
            request.headers["traceparent"] = request_context.traceparent()
            request.headers["X-Request-ID"] = request_context.request_id


def session(adapter: ServiceAdapter) -> Session:
    """Return a session that uses `adapter` and reads no settings from the environment."""
    new_session = Session()
    # A proxy variable of the host must not reroute calls inside the stack.
    new_session.trust_env = False
    new_session.mount("http://", adapter)
    new_session.mount("https://", adapter)
    return new_session
