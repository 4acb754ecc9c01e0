"""Wait until all is scraped and carried, or nothing changes any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..errors import AlertdrillError
from ..runtimes.base import ProgressCallback
from .compare import CountSource

# Exact for so long, in seconds: after an outage the collector tries again within ten, and what it
# sends twice comes late.
STABLE_S = 12.0
# Nothing changed for so long: some scrapes, and two of the collector's tries.
UNCHANGED_TIMEOUT_S = 30.0
# A queue that Loki's absence has filled is empty by then.
TIMEOUT_S = 300.0
# Between two looks: as long as a look took, for it asks everybody for everything, within these.
MIN_POLL_INTERVAL_S, MAX_POLL_INTERVAL_S = 1.0, 5.0

CountFunction = Callable[[], Sequence[CountSource]]


def wait_until_stable(look: CountFunction, on_progress: ProgressCallback) -> Sequence[CountSource]:
    """Return what the sources have in the end; raise the error of one that does not say.

    Says what is awaited each time that it changes.
    """
    begun = changed = time.monotonic()
    last: object = None
    while True:
        looked = time.monotonic()
        found, error = _try_count(look)
        now = time.monotonic()
        if (found, str(error)) != last:
            last, changed = (found, str(error)), now
            on_progress(pending_message(found) if error is None else f"waiting: {error}")
        calm = now - changed
        exact = error is None and all(source.exact for source in found)
        if (exact and calm >= STABLE_S) or calm >= UNCHANGED_TIMEOUT_S or now - begun >= TIMEOUT_S:
            if error:
                raise error
            return found
        time.sleep(min(max(MIN_POLL_INTERVAL_S, now - looked), MAX_POLL_INTERVAL_S))


def _try_count(look: CountFunction) -> tuple[Sequence[CountSource], AlertdrillError | None]:
    try:
        return look(), None
    except AlertdrillError as error:
        return (), error


def pending_message(sources: Sequence[CountSource]) -> str:
    """Say which sources are not there yet."""
    off = [f"{source.name} {source.difference:+}" for source in sources if not source.exact]
    return f"waiting for {', '.join(off)}" if off else "all agree; looking on for late doubles"
