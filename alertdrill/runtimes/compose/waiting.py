"""Wait for containers, and act on several at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from .errors import NotReadyError

STEP = 0.3


def until(check: Callable[[], bool], what: str, patience: float = 60.0) -> None:
    """Poll `check` until it is true; raise `NotReadyError` saying what was awaited."""
    deadline = time.monotonic() + patience
    while not check():
        if time.monotonic() > deadline:
            raise NotReadyError(f"Gave up after {patience:.0f} s waiting for {what}.")
        time.sleep(STEP)


def at_once(act: Callable[[str], None], names: Sequence[str]) -> None:
    """Do something to several containers at the same time."""
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        list(pool.map(act, names))
