"""Wait until all is scraped and carried, or nothing changes any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..errors import AlertdrillError
from ..runtimes.base import ProgressCallback
from .compare import Party

# Exact for so long, in seconds: after an outage the collector tries again within ten, and what it
# sends twice comes late.
CALM = 12.0
# Nothing changed for so long: some scrapes, and two of the collector's tries.
PATIENCE = 30.0
# A queue that Loki's absence has filled is empty by then.
LIMIT = 300.0
# Between two looks: as long as a look took, for it asks everybody for everything, within these.
STEP, LONGEST = 1.0, 5.0

Look = Callable[[], Sequence[Party]]


def settle(look: Look, on_progress: ProgressCallback) -> Sequence[Party]:
    """Return what the parties have in the end; raise the error of one that does not say.

    Says what is awaited each time that it changes.
    """
    begun = changed = time.monotonic()
    last: object = None
    while True:
        looked = time.monotonic()
        found, error = _looked(look)
        now = time.monotonic()
        if (found, str(error)) != last:
            last, changed = (found, str(error)), now
            on_progress(awaited(found) if error is None else f"waiting: {error}")
        calm = now - changed
        exact = error is None and all(party.exact for party in found)
        if (exact and calm >= CALM) or calm >= PATIENCE or now - begun >= LIMIT:
            if error:
                raise error
            return found
        time.sleep(min(max(STEP, now - looked), LONGEST))


def _looked(look: Look) -> tuple[Sequence[Party], AlertdrillError | None]:
    try:
        return look(), None
    except AlertdrillError as error:
        return (), error


def awaited(parties: Sequence[Party]) -> str:
    """Say which parties are not there yet."""
    off = [f"{party.name} {party.difference:+}" for party in parties if not party.exact]
    return f"waiting for {', '.join(off)}" if off else "all agree; looking on for late doubles"
