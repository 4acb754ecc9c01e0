"""The probes: `/healthz` (the process is alive) and `/readyz` (it can serve requests)."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask.typing import ResponseReturnValue

from .drain import DrainState
from .problems import Problem

Check = Callable[[], str | None]


class Readiness:
    """The checks that decide whether this instance may get requests."""

    def __init__(self, drain: DrainState) -> None:
        self._drain = drain
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Run `check` at each probe. It returns None, or a sentence with the reason."""
        self._checks[name] = check

    def reasons(self) -> dict[str, str]:
        """Return the reasons why the instance is not ready, by check; empty if it is ready."""
        if self._drain.draining:
            return {"draining": "The instance is shutting down."}
        results = {name: check() for name, check in self._checks.items()}
        return {name: reason for name, reason in results.items() if reason is not None}


def init_app(app: Flask, readiness: Readiness) -> None:
    """Serve the probes."""

    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "alive"}

    @app.get("/readyz")
    def readyz() -> ResponseReturnValue:
        reasons = readiness.reasons()
        if reasons:
            raise Problem(503, " ".join(reasons.values()), reasons=reasons)
        return {"status": "ready"}
