"""gunicorn's threads, for those alone who have something to say."""

from __future__ import annotations

from typing import Any

from gunicorn.workers import gthread

# A request follows its connection within a millisecond, unless the client has dialled to spare.
AT_ONCE = 0.005


class ThreadWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """Gives a thread to a connection only once there is a request on it.

    gunicorn's own waits for it in a thread, for 5 s. Alertmanager dials more connections than it
    uses when much fires at once; ten that are silent would silence the instance.
    """

    def handle(self, conn: Any) -> Any:
        """Serve a connection, or leave it to the poller until it is readable."""
        if not conn.initialized and not conn.wait_for_data(AT_ONCE):
            return gthread._DEFER
        return super().handle(conn)
