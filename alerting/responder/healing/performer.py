"""Carry out actions by way of the control API, each in a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Protocol

from ..errors import ControlAwayError, ControlError, JournalError
from ..timestamps import utc_now
from .deeds import Deed, Deeds
from .witnesses import Witness

# The control API is started again within seconds; what is not back after this is a failure.
PATIENCE = 30.0
PAUSE = 0.5

log = logging.getLogger(__name__)


class Control(Protocol):
    """What is asked of the runtime: see `control.Control`."""

    def restart(self, instance: str, grace_period: float | None, key: str) -> None:
        """Restart an instance and wait until it serves."""
        ...

    def scale(self, service: str, instances: int, key: str) -> None:
        """Have so many instances of a service serve, and wait until they do."""
        ...


class Performer:
    """Performs deeds; the same one twice is performed once."""

    def __init__(self, control: Control, deeds: Deeds, witness: Witness) -> None:
        self._control = control
        self._deeds = deeds
        self._witness = witness
        self._lock = Lock()
        self._running: set[int] = set()

    def runs(self, deed: Deed) -> bool:
        """Tell whether a deed is being performed here."""
        with self._lock:
            return deed.id in self._running

    def take_up(self, deed: Deed) -> None:
        """Begin a deed, or go on with one that a restart of ours has cut off."""
        with self._lock:
            if deed.id in self._running:
                return
            self._running.add(deed.id)
        self._thread(lambda: self._perform(deed))

    def _thread(self, work: Callable[[], None]) -> None:
        # As a daemon: it must not hold up our own end. Whoever comes after us goes on with it.
        Thread(target=work, name="healing", daemon=True).start()

    def _perform(self, deed: Deed) -> None:
        try:
            state, said = self._carry_out(deed)
            if finished_at := self._deeds.end(deed.id, state, said, utc_now()):
                self._witness.on_action_finished(deed, finished_at, said)
        except JournalError as error:  # it is still under way in the journal, and taken up again
            log.warning("The end of action %d is not journalled: %s", deed.id, error)
        finally:
            with self._lock:
                self._running.discard(deed.id)

    def _carry_out(self, deed: Deed) -> tuple[str, str]:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._ask(deed)
            except ControlAwayError as error:
                if time.monotonic() > deadline:
                    return "failed", str(error)
                time.sleep(PAUSE)
            except ControlError as error:
                return "failed", str(error)
            else:
                return "done", ""

    def _ask(self, deed: Deed) -> None:
        # The key lets the API tell a question that is asked again from a new one.
        if deed.action.kind == "restart":
            self._control.restart(deed.action.target, deed.grace_period, deed.key)
        else:
            assert deed.instances is not None
            self._control.scale(deed.action.target, deed.instances, deed.key)
