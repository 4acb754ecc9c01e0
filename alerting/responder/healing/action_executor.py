"""Execute actions through the control API, each in a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Protocol

from ..errors import ControlApiError, ControlApiUnavailableError, DatabaseError
from ..timestamps import utc_now
from .action_store import ActionRecord, ActionStore
from .observers import Observer

# The control API restarts within seconds; an action fails if it is unavailable for longer.
RETRY_TIMEOUT_S = 30.0
RETRY_INTERVAL_S = 0.5

log = logging.getLogger(__name__)


class ControlApi(Protocol):
    """The actions of the control API: see `control_client.ControlApiClient`."""

    def restart(self, instance: str, grace_period: float | None, key: str) -> None:
        """Restart an instance and wait until it is ready."""
        ...

    def scale(self, service: str, instances: int, key: str) -> None:
        """Scale a service to a number of instances and wait until they are ready."""
        ...


class ActionExecutor:
    """Executes actions; an action that is submitted twice runs once."""

    def __init__(self, control_api: ControlApi, store: ActionStore, observer: Observer) -> None:
        self._control_api = control_api
        self._store = store
        self._observer = observer
        self._lock = Lock()
        self._running: set[int] = set()

    def is_running(self, record: ActionRecord) -> bool:
        """Tell whether this process executes an action."""
        with self._lock:
            return record.id in self._running

    def submit(self, record: ActionRecord) -> None:
        """Start an action, or resume one that a restart of the responder interrupted."""
        with self._lock:
            if record.id in self._running:
                return
            self._running.add(record.id)
        self._start_thread(lambda: self._run(record))

    def _start_thread(self, work: Callable[[], None]) -> None:
        # A daemon, so that it does not delay the end of this process; the next one resumes it.
        Thread(target=work, name="healing", daemon=True).start()

    def _run(self, record: ActionRecord) -> None:
        try:
            state, message = self._execute(record)
            if final := self._store.finish(record.id, state, message, utc_now()):
                self._observer.on_action_finished(record, final, message)
        except DatabaseError as error:  # in the database it still runs, and is resumed later
            log.warning("The end of action %d is not recorded: %s", record.id, error)
        finally:
            with self._lock:
                self._running.discard(record.id)

    def _execute(self, record: ActionRecord) -> tuple[str, str]:
        deadline = time.monotonic() + RETRY_TIMEOUT_S
        while True:
            try:
                self._call(record)
            except ControlApiUnavailableError as error:
                if time.monotonic() > deadline:
                    return "failed", str(error)
                time.sleep(RETRY_INTERVAL_S)
            except ControlApiError as error:
                return "failed", str(error)
            else:
                return "done", ""

    def _call(self, record: ActionRecord) -> None:
        # The idempotency key lets the API recognize a retry.
        if record.action.kind == "restart":
            self._control_api.restart(record.action.target, record.grace_period, record.key)
        else:
            assert record.instances is not None
            self._control_api.scale(record.action.target, record.instances, record.key)
