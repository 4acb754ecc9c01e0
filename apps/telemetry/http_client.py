"""Calls to other services: pooled, bounded in time, measured, with the caller's context."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from . import context
from .metrics import Metrics
from .settings import TelemetrySettings

# A connection that could not be made carried no request, so trying again is always safe; two
# tries after the first cover an instance that is just being replaced.
CONNECT_RETRIES = 2
# No pause before the first new try and 0.2 s before the second: the load balancer needs about
# that to pick another instance.
BACKOFF = 0.1
# As many connections as an instance may have threads, so that none waits for a connection.
POOL = 64


class ServiceAdapter(HTTPAdapter):
    """Send requests to one peer with our headers, time limits, retries and metrics.

    Each guard is called before a request leaves, and may refuse it by raising.
    """

    def __init__(
        self,
        peer: str,
        settings: TelemetrySettings,
        metrics: Metrics,
        guards: Sequence[Callable[[], None]] = (),
    ) -> None:
        retries = Retry(
            total=None, connect=CONNECT_RETRIES, read=False, other=False, backoff_factor=BACKOFF
        )
        super().__init__(pool_maxsize=POOL, max_retries=retries)
        self._peer = peer
        self._timeout = (settings.connect_timeout, settings.read_timeout)
        self._metrics = metrics
        self._guards = guards

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send one request; raise requests' own exceptions when no answer came in time."""
        self._add_context(request)
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout
        begun = time.perf_counter()
        status = "error"
        try:
            for guard in self._guards:
                guard()
            response = super().send(request, *args, **kwargs)
            status = str(response.status_code)
        finally:
            self._metrics.client_duration.labels(
                peer=self._peer, method=request.method or "GET", status=status
            ).observe(time.perf_counter() - begun)
        return response

    def _add_context(self, request: PreparedRequest) -> None:
        now = context.current()
        if now is not None:
            request.headers["traceparent"] = now.traceparent()
            request.headers["X-Request-ID"] = now.request_id


def session(adapter: ServiceAdapter) -> Session:
    """Return a session that goes through `adapter` and takes no settings from the environment."""
    made = Session()
    made.trust_env = False  # a proxy variable of the host must not reroute calls inside the stack
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made
