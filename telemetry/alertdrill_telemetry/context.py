"""The context of a request: its W3C trace context and its request id."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar, Token
from dataclasses import dataclass

from flask import Flask, g, request
from werkzeug.wrappers import Response

# https://www.w3.org/TR/trace-context/#traceparent-header. It forbids version ff. Versions above
# 00 may have more fields after the flags.
TRACEPARENT = re.compile(r"^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$")
# The request ids that a caller may send. Others are ignored: they end up in logs and headers.
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@dataclass(frozen=True)
class RequestContext:
    """The ids of a request. Trace and span ids are lower-case hex, with 32 and 16 digits."""

    trace_id: str
    span_id: str
    request_id: str
    sampled: bool = True

    def traceparent(self) -> str:
        """Return the header for an outgoing call, with this request's span as the parent."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


_current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


def current() -> RequestContext | None:
    """Return the context of the current request, or None outside a request."""
    return _current.get()


def accept(traceparent: str | None, request_id: str | None) -> RequestContext:
    """Continue the caller's trace if its headers are valid; otherwise start a new one."""
    trace_id, sampled = _parse(traceparent)
    valid = request_id is not None and REQUEST_ID.fullmatch(request_id)
    return RequestContext(
        trace_id=trace_id or secrets.token_hex(16),
        span_id=secrets.token_hex(8),
        request_id=request_id if valid and request_id else secrets.token_hex(16),
        sampled=sampled,
    )


def _parse(traceparent: str | None) -> tuple[str | None, bool]:
    match = TRACEPARENT.match((traceparent or "").strip())
    if match is None:
        return None, True
    version, trace_id, parent_id, flags, more = match.groups()
    if set(trace_id) == {"0"} or set(parent_id) == {"0"} or (version == "00" and more):
        return None, True
    return trace_id, bool(int(flags, 16) & 1)


def init_app(app: Flask) -> None:
    """Set the context for each request and echo its request id on every response."""

    @app.before_request
    def set_context() -> None:
        context = accept(request.headers.get("traceparent"), request.headers.get("X-Request-ID"))
        token: Token[RequestContext | None] = _current.set(context)
        g.context_token = token

    @app.after_request
    def echo_request_id(response: Response) -> Response:
        context = current()
        if context is not None:
            response.headers["X-Request-ID"] = context.request_id
        return response

    @app.teardown_request
    def reset_context(_error: BaseException | None) -> None:
        token = g.pop("context_token", None)
        if token is not None:
            _current.reset(token)
