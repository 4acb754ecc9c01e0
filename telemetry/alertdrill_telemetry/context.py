"""The context of a request: its W3C trace context and its request id."""

from __future__ import annotations

import os
import random
import re
from contextvars import ContextVar

# https://www.w3.org/TR/trace-context/#traceparent-header. It forbids version ff. Versions above
# 00 may have more fields after the flags.
TRACEPARENT = re.compile(
    r"(?:00(?=.{53}$)|(?!ff|00)[0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)
# The request ids that a caller may send. Others are ignored: they end up in logs and headers.
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
# Ids need to be different, not secret. This generator makes no system call, for which a thread
# would give up the interpreter's lock; the application cannot seed it.
_random = random.Random()  # noqa: S311 - see above
# The hex digits of the ids of each of the next requests, at most this number of requests: to
# generate them together takes a quarter of the time.
DIGITS, REQUESTS = 80, 64
_digits: list[str] = []


def _take_digits() -> str:
    try:
        return _digits.pop()
    except IndexError:
        text = _random.randbytes(DIGITS // 2 * REQUESTS).hex()
        _digits.extend(text[start : start + DIGITS] for start in range(DIGITS, len(text), DIGITS))
        return text[:DIGITS]


def _reseed() -> None:
    """Generate other ids than the parent process."""
    _random.seed()
    _digits.clear()


os.register_at_fork(after_in_child=_reseed)


class RequestContext:
    """The ids of a request. Trace and span ids are lower-case hex, with 32 and 16 digits.

    They continue the caller's if its headers are valid; otherwise they are new.
    """

    sampled = True
    # Whether the request is counted.
    is_tracked = True

    def __init__(self, traceparent: str | None = None, request_id: str | None = None) -> None:
        digits = _take_digits()
        if traceparent and TRACEPARENT.fullmatch(traceparent := traceparent.strip()):
            self.trace_id = traceparent[3:35]
            self.sampled = int(traceparent[53:55], 16) & 1 == 1
        else:
            self.trace_id = digits[:32]
        self.span_id = digits[32:48]
        if request_id and REQUEST_ID.fullmatch(request_id):
            self.request_id = request_id
        else:
            self.request_id = digits[48:]

    def traceparent(self) -> str:
        """Return the header for an outgoing call, with this request's span as the parent."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


# The middleware sets it while the application or its response runs, and at no other time.
current_context: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


def current() -> RequestContext | None:
    """Return the context of the current request, or None outside a request."""
    return current_context.get()
