"""Turn the healer, in one of the responder's workers."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import IO

from ..errors import JournalError
from ..timestamps import utc_now
from .healer import Healer

# Between two turns, in seconds at speed 1, when no notification wakes it: what waits for a
# cool-down need not be more exact.
TURN = 2.0
# Between two looks at how the services scale, as often as Prometheus asks for it.
LOOK = 5.0
# At a rehearsal's speed, no sooner than this: each look asks every instance.
SHORTEST = 0.25

log = logging.getLogger("healing")


class Loop:
    """Turns the healer in the background; of several workers, one does it at a time."""

    def __init__(self, healer: Healer, lock: Path, speed: float) -> None:
        self._healer = healer
        self._lock = lock
        self._pause = max(SHORTEST, TURN / speed)
        self._look = max(SHORTEST, LOOK / speed)
        self._woken = Event()
        self._stopped = Event()

    def start(self) -> None:
        """Turn until `stop` or the end of the process."""
        Thread(target=self._run, name="healer", daemon=True).start()

    def wake(self) -> None:
        """Turn at once, for something has changed."""
        self._woken.set()

    def stop(self) -> None:
        """End the turns."""
        self._stopped.set()
        self._woken.set()

    def _run(self) -> None:
        with self._lock.open("w") as held:
            while not self._stopped.is_set() and not _taken(held):
                self._stopped.wait(self._pause)
            looked = -self._look
            while not self._stopped.is_set():
                self._woken.clear()
                if time.monotonic() - looked >= self._look:
                    self._safely(self._healer.look_around)
                    looked = time.monotonic()
                begun = time.monotonic()
                self._safely(self._healer.turn)
                # In a storm each notification wakes it: whoever asks something has half the time.
                self._stopped.wait(time.monotonic() - begun)
                self._woken.wait(self._pause)

    def _safely(self, what: Callable[[datetime], None]) -> None:
        try:
            what(utc_now())
        except JournalError as error:
            log.warning("Nothing is decided: %s", error)
        except Exception:  # whatever it is, the next turn may be better than none for ever
            log.exception("A turn of the healer failed.")


def _taken(held: IO[str]) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
