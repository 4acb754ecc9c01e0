"""Whether an instance may get requests: what `/readyz` answers."""

from __future__ import annotations

from collections.abc import Callable

from .drain import DrainState
from .logs import describe_error

Check = Callable[[], str | None]


class Readiness:
    """The checks that decide whether this instance may get requests."""

    def __init__(self, drain: DrainState, stall_seconds: float = 0.0) -> None:
        self._drain = drain
        self._stall_seconds = stall_seconds
        self._checks: dict[str, Check] = {"worker_threads": self._stalled}

    def add(self, name: str, check: Check) -> None:
        """Run `check` at each probe. It returns None, or a sentence with the reason.

        An exception is a reason as well. A probe takes as long as its checks.
        """
        self._checks[name] = check

    def reasons(self) -> dict[str, str]:
        """Return the reasons why the instance is not ready, by check; empty if it is ready."""
        if self._drain.draining:
            return {"draining": "The instance is shutting down."}
        results = {name: _run(check) for name, check in self._checks.items()}
        return {name: reason for name, reason in results.items() if reason is not None}

    def _stalled(self) -> str | None:
        """Return that the worker threads hang: only they do, since the probe is answered."""
        seconds = self._drain.stalled_for()
        if not self._stall_seconds or seconds <= self._stall_seconds:
            return None
        return (
            f"All {self._drain.threads} worker threads have been busy for {seconds:.0f} s, and no"
            " request has made progress."
        )


def _run(check: Check) -> str | None:
    try:
        reason: object = check()
    except Exception as error:  # noqa: BLE001 - a database may raise anything
        return f"The check has failed: {describe_error(error)}"
    if reason is None or isinstance(reason, str):
        return reason
    return f"The check returned {reason!r}: it must return None or a sentence."
