"""A gunicorn worker that gives no thread to an idle connection."""

from __future__ import annotations

from typing import Any

from gunicorn.workers import gthread

# A request follows its connection within a millisecond, unless the client opens spare connections.
FIRST_BYTE_TIMEOUT_S = 0.005


class ThreadWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """Gives a thread to a connection only when it has data.

    gunicorn's default worker waits for the data in a thread, for up to 5 s. Alertmanager opens more
    connections than it uses when many alerts fire; ten idle ones would block the instance.
    """

    def handle(self, conn: Any) -> Any:
        """Serve a connection, or return it to the poller until it is readable."""
        if not conn.initialized and not conn.wait_for_data(FIRST_BYTE_TIMEOUT_S):
            return gthread._DEFER
        return super().handle(conn)
