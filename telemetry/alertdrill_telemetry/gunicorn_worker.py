"""A gunicorn worker for clients that are slow or send invalid bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from gunicorn.http.errors import ParseException
from gunicorn.workers import gthread
from werkzeug.exceptions import BadRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# A request follows its connection within a millisecond, unless the client opens spare connections.
FIRST_BYTE_TIMEOUT_S = 0.005


class ThreadWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """Gives a thread to a connection only when it has data, and refuses invalid chunked bodies.

    gunicorn's default worker waits for the data in a thread, for up to 5 s. Alertmanager opens more
    connections than it uses when many alerts fire; ten idle ones would block the instance. An
    invalid chunk or trailer would be a 500 of the application.
    """

    wsgi: WSGIApplication

    def load_wsgi(self) -> None:
        """Load the application."""
        super().load_wsgi()
        self.wsgi = partial(_call, self.wsgi)

    def handle(self, conn: Any) -> Any:
        """Serve a connection, or return it to the poller until it is readable."""
        if not conn.initialized and not conn.wait_for_data(FIRST_BYTE_TIMEOUT_S):
            return gthread._DEFER
        return super().handle(conn)


def _call(
    application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    if "HTTP_TRANSFER_ENCODING" in environ:
        reader = environ["wsgi.input"].reader
        reader.read = partial(_read, reader.read)
    return application(environ, start_response)


def _read(read: Callable[[int], bytes], size: int) -> bytes:
    try:
        return read(size)
    except (ParseException, OSError) as error:
        raise BadRequest("The chunked body of the request is not valid.") from error
