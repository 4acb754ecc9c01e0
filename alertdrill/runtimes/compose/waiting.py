"""Wait for a condition, and act on several containers in parallel."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from .errors import NotReadyError

POLL_INTERVAL_S = 0.3


def wait_until(check: Callable[[], bool], what: str, timeout: float = 60.0) -> None:
    """Poll `check` until it is true; raise `NotReadyError` with `what` was awaited."""
    deadline = time.monotonic() + timeout
    while not check():
        if time.monotonic() > deadline:
            raise NotReadyError(f"Timed out after {timeout:.0f} s waiting for {what}.")
        time.sleep(POLL_INTERVAL_S)


def in_parallel(act: Callable[[str], None], names: Sequence[str]) -> None:
    """Call `act` for several containers in parallel."""
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        list(pool.map(act, names))
