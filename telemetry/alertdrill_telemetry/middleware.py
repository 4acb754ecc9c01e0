"""The outermost WSGI middleware: it observes each request from its arrival to `close()`.

It owns the context, the status, the duration, the requests in flight and the access line. It
depends on none of the application's hooks, and it counts what the client got.
"""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from ssl import SSLError
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Flask, Request, got_request_exception
from prometheus_client import Gauge

from .context import RequestContext, current_context
from .drain import DrainState
from .logs import describe_error
from .metrics import SSE, WEBSOCKET
from .operations import OPERATIONS, is_operation
from .recorder import Recorder

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The error of a response that the client did not wait for.
DISCONNECTED = "client disconnected"
logger = logging.getLogger(__package__)

# What a client gets from the server if the application fails before its response has begun.
SERVER_ERROR = "500"
SWITCHING_PROTOCOLS = "101"
# A body whose length has fewer digits is in one packet, or in the load balancer, before it is read.
MIN_TIMED_DIGITS = 4


class Middleware:
    """A WSGI application that observes the Flask application `app`.

    `operations` answers the operations endpoints on the application's listener; with None their
    paths belong to the application.
    """

    def __init__(
        self,
        app: Flask,
        recorder: Recorder,
        drain: DrainState,
        connections: Mapping[str, Gauge],
        operations: WSGIApplication | None = None,
    ) -> None:
        self.app = app
        self.recorder = recorder
        self.drain = drain
        self.connections = connections
        self._operations = operations
        # Of a class that has a call of its own; Flask's calls `wsgi_app`.
        call = type(app).__call__
        self._call = None if call is Flask.__call__ else call

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request; raise what the application raises."""
        # As the client sent it: gunicorn takes SCRIPT_NAME from a header, and a middleware of the
        # application may move a prefix.
        path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if self._operations is not None and path.startswith(OPERATIONS) and is_operation(path):
            return self._operations(environ, start_response)
        exchange = Exchange(self, environ, path, start_response)
        token = current_context.set(exchange)
        try:
            if self._call is None:
                body = self.app.wsgi_app(environ, exchange.start_response)
            else:
                body = self._call(self.app, environ, exchange.start_response)
            if type(body) is environ.get("wsgi.file_wrapper") and exchange.begin_file(body):
                return body
            exchange.begin(body)
        except BaseException as error:
            exchange.fail(error)
            raise
        finally:
            current_context.reset(token)
        return exchange


def observe(
    app: Flask,
    recorder: Recorder,
    drain: DrainState,
    connections: Mapping[str, Gauge],
    operations: WSGIApplication | None,
) -> None:
    """Make the middleware the outermost: also `app.wsgi_app` that is wrapped later is inside.

    The application gets a class of its own. Its call is the middleware, and it tells the exchange
    its request, which knows the route.
    """
    own = type(app)

    def request_context(self: Flask, environ: WSGIEnvironment) -> Any:
        context = own.request_context(self, environ)
        exchange = current_context.get()
        # The application may make further ones, such as `test_request_context`.
        if isinstance(exchange, Exchange) and exchange.request is None:
            exchange.request = context.request
        return context

    namespace = {
        "__call__": Middleware(app, recorder, drain, connections, operations),
        "__doc__": own.__doc__,
        "request_context": request_context,
    }
    app.__class__ = type(own.__name__, (own,), namespace)
    got_request_exception.connect(_keep_exception, app)


def _keep_exception(_app: Flask, exception: BaseException, **_: Any) -> None:
    exchange = current_context.get()
    if isinstance(exchange, Exchange):
        exchange.exception = describe_error(exception)


class TimedBody:
    """The body of a request, as the server provides it; `waited` is how long it took to arrive.

    That depends on the client: a service that waits for a slow upload is not slow.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.waited = 0.0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._stream, name)
        return partial(self._timed, value) if name.startswith("read") and callable(value) else value

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _timed(self, read: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return read(*arguments, **options)
        finally:
            self.waited += time.perf_counter() - started


class Exchange(RequestContext):
    """A request and its response, which the application starts and the server iterates.

    `exception` is what Flask turned into a response; `error` is why the response is not complete.
    Both are texts: an exception would keep this object alive.
    """

    # Most requests keep these values.
    request: Request | None = None
    rule: str | None = None
    status = ""
    # Whether the response is not complete because of an error.
    broken = False
    error: str | None = None
    exception: str | None = None
    protocol: str | None = None
    nested = False
    # When the server got the last part, in seconds since 1970. The line has this time: a proxy
    # that waits for this part has a later one.
    sent_at = 0.0
    _body: TimedBody | None = None
    _close: Callable[[], object] | None = None
    # Bytes, unless the application makes a mistake.
    _next: Callable[[], Any]
    _first: Any = None
    _sent = _complete = _ended = _holds_thread = False
    # How much of the body is to come from an application that no server called, as the test
    # client does: nothing waits for the bytes, so the request ends with the last one. Else -1.
    _remaining = -1
    _is_empty = False

    def __init__(
        self,
        middleware: Middleware,
        environ: WSGIEnvironment,
        path: str,
        start_response: StartResponse,
    ) -> None:
        self.started = time.perf_counter()
        outer = current_context.get()
        if outer is None:
            RequestContext.__init__(
                self, environ.get("HTTP_TRACEPARENT"), environ.get("HTTP_X_REQUEST_ID")
            )
            middleware.drain.change_in_flight(1, self.started)
        else:
            # The application calls itself through the test client: that is a request of its own,
            # in the trace of the outer request and in its thread.
            self.nested = True
            RequestContext.__init__(self, outer.traceparent(), outer.request_id)
        self._middleware = middleware
        self._start = start_response
        self.environ = environ
        # As they arrive: a middleware of the application may replace them.
        self.path = path
        self.method: str = environ["REQUEST_METHOD"]
        self.client: str = environ.get("REMOTE_ADDR", "")
        length = environ.get("CONTENT_LENGTH")
        if (length and len(length) >= MIN_TIMED_DIGITS) or "HTTP_TRANSFER_ENCODING" in environ:
            self._body = environ["wsgi.input"] = TimedBody(environ["wsgi.input"])
        if "SERVER_SOFTWARE" not in environ:
            self._remaining = 0
        if (
            "HTTP_SEC_WEBSOCKET_KEY" in environ
            and environ.get("HTTP_UPGRADE", "").lower() == WEBSOCKET
        ):
            self._stay_open(WEBSOCKET)

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """Pass the start of the response on, with the request id (PEP 3333)."""
        request_id = self.request_id
        for name, value in headers:
            if len(name) == 12:  # as both of these names: a cheap test first
                lowered = name.lower()
                if lowered == "x-request-id":  # the application's own
                    request_id = ""
                elif (
                    lowered == "content-type"
                    and value.startswith("text/event-stream")
                    and self.protocol is None
                ):
                    self._stay_open(SSE)
            elif self._remaining == 0 and name.lower() == "content-length":
                self._remaining = int(value)
                self._is_empty = self._remaining == 0
        if request_id:
            headers = [*headers, ("X-Request-ID", request_id)]
        # With `exc_info` it raises if the first byte is already sent: the status then stays.
        write = self._start(status, headers, exc_info) if exc_info else self._start(status, headers)
        self.status = status[:3]
        self._write = write
        return self._send

    def _send(self, data: bytes) -> None:
        """Send a part of the body the old way, through `write` (PEP 3333)."""
        self._sent = True
        self._write(data)

    def begin(self, body: Iterable[bytes]) -> None:
        """Take over the application's response, and compute its first part.

        If that fails, nothing is sent yet under any server, and the client gets a 500. Some servers
        send the status before they ask for the first part.
        """
        self._close = getattr(body, "close", None)
        self._next = iter(body).__next__
        try:
            self._first = self._next()
            if type(self._first) is str:
                _refuse_text()
            self._complete = self._is_empty
        except StopIteration:
            self._complete = True
        except BaseException:
            if self._close is not None:  # a server closes only what it got
                self._close()
            raise
        if self._complete and self._remaining >= 0:
            self.end()

    def begin_file(self, body: Any) -> bool:
        """Take over the `close` of a file, which the server then sends by itself, with sendfile.

        Return False for a body that the server can only iterate.
        """
        if not isinstance(getattr(body, "filelike", None), io.BufferedReader):
            return False
        self._close = body.close
        body.close = self._close_file
        self._hold_thread()  # it makes progress that nothing shows
        return True

    def _close_file(self) -> None:
        # What has stopped the server passes through it now.
        error = sys.exc_info()[1]
        self._sent, self.sent_at = True, time.time()
        self._complete = error is None
        if error is not None and not isinstance(error, ConnectionError | SSLError):
            self.error = describe_error(error)
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the parts of the response."""
        part, self._first = self._first, None
        while part is not None:
            self._sent = True
            self.sent_at = time.time()
            if self._remaining > 0:
                self._remaining = max(0, self._remaining - len(part))
                if self._remaining == 0:
                    self._complete = True
                    self.end()
            yield part
            # The code of a generator runs here, so it needs the context.
            token = current_context.set(self)
            try:
                part = self._next()
                if type(part) is str:
                    _refuse_text()
            except StopIteration:
                break
            except BaseException as error:
                self._break_off(error)
                raise
            finally:
                current_context.reset(token)
            self._middleware.drain.record_progress(time.perf_counter())
        self._complete = True
        if self._remaining >= 0:
            self.end()

    def close(self) -> None:
        """End the request; the server calls this in any case."""
        token = current_context.set(self)
        try:
            if self._close is not None:
                self._close()
        except BaseException as error:
            self.error = self.error or describe_error(error)
            raise
        finally:
            current_context.reset(token)
            self.end()

    def fail(self, error: BaseException) -> None:
        """End a request whose application raised `error` instead of returning a response."""
        if self.protocol == WEBSOCKET and not self.status and isinstance(error, StopIteration):
            self._complete = True  # this is how a finished WebSocket leaves gunicorn
        else:
            self._break_off(error)
        self.end()

    def _break_off(self, error: BaseException) -> None:
        self.error = describe_error(error)
        if not self._sent:  # the server answers for the application
            self.status = SERVER_ERROR

    def _stay_open(self, protocol: str) -> None:
        self.protocol = protocol
        self._middleware.connections[protocol].inc()
        self._hold_thread()

    def _hold_thread(self) -> None:
        """Do not take the thread for one that hangs, however long the client keeps it."""
        if not (self.nested or self._holds_thread):
            self._holds_thread = True
            self._middleware.drain.change_open(1)

    def end(self) -> None:
        """Count the request, once, and write its access line."""
        if self._ended:
            return
        self._ended = True
        now = time.perf_counter()
        if self._body is not None:
            self.started += self._body.waited
        try:
            if self.protocol is not None:
                self._end_connection(self.protocol)
            if self.request is not None and self.request.url_rule is not None:
                self.rule = self.request.url_rule.rule
            if not self._complete:
                self.broken = self.error is not None
                if not self.broken and self.method != "HEAD":
                    self.error = DISCONNECTED
            if not self.status:
                self.status = SERVER_ERROR
            self._middleware.recorder.record(self, now)
        except Exception:  # it must not end a connection
            logger.exception("The request %s can't be recorded.", self.request_id)
        finally:  # last: an idle instance has counted all its requests
            if not self.nested:
                self._middleware.drain.change_in_flight(-1, now)
                if self._holds_thread:
                    self._middleware.drain.change_open(-1)

    def _end_connection(self, protocol: str) -> None:
        self._middleware.connections[protocol].dec()
        if protocol == WEBSOCKET:
            self.status = self.status or SWITCHING_PROTOCOLS
            if self.status != SWITCHING_PROTOCOLS and self.status < SERVER_ERROR:
                self.protocol = None  # the application declined the upgrade

    def __del__(self) -> None:
        # A server that forgets `close()` must not leave the request in flight. The collector of
        # garbage may interrupt any code, so a later request or scrape ends this one.
        if not self._ended and hasattr(self, "client"):
            self._middleware.recorder.abandoned.append(self)


def _refuse_text() -> NoReturn:
    # No server sends text, but each fails at its own moment. Here it is an error under all of them.
    raise TypeError("A part of the response body is text: WSGI has bytes only.")
