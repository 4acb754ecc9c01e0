"""Wait until every count is exact, or no count changes any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..errors import AlertdrillError
from ..runtimes.base import ProgressCallback
from .compare import CountSource

# Seconds that counts must stay exact. After an outage the collector retries within ten seconds,
# and duplicates arrive late.
STABLE_S = 12.0
# Seconds without a change: several scrapes and two of the collector's retries.
UNCHANGED_TIMEOUT_S = 30.0
# A queue that filled while Loki was down is empty by then.
TIMEOUT_S = 300.0
# The pause is as long as the last count took, within these bounds: counting loads the stack.
MIN_POLL_INTERVAL_S, MAX_POLL_INTERVAL_S = 1.0, 5.0

CountFunction = Callable[[], Sequence[CountSource]]


def wait_until_stable(look: CountFunction, on_progress: ProgressCallback) -> Sequence[CountSource]:
    """Return the final counts; raise the error of a source that still fails.

    Reports each change of what is pending.
    """
    begun = changed = time.monotonic()
    last: object = None
    while True:
        looked = time.monotonic()
        sources, error = _try_count(look)
        now = time.monotonic()
        if (sources, str(error)) != last:
            last, changed = (sources, str(error)), now
            on_progress(pending_message(sources) if error is None else f"waiting: {error}")
        calm = now - changed
        exact = error is None and all(source.exact for source in sources)
        if (exact and calm >= STABLE_S) or calm >= UNCHANGED_TIMEOUT_S or now - begun >= TIMEOUT_S:
            if error:
                raise error
            return sources
        time.sleep(min(max(MIN_POLL_INTERVAL_S, now - looked), MAX_POLL_INTERVAL_S))


def _try_count(look: CountFunction) -> tuple[Sequence[CountSource], AlertdrillError | None]:
    try:
        return look(), None
    except AlertdrillError as error:
        return (), error


def pending_message(sources: Sequence[CountSource]) -> str:
    """Return which sources differ."""
    off = [f"{source.name} {source.difference:+}" for source in sources if not source.exact]
    return (
        f"waiting for {', '.join(off)}" if off else "all counts agree; waiting for late duplicates"
    )
