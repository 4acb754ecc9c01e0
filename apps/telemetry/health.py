"""`/healthz`: the process lives. `/readyz`: it can serve now."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask.typing import ResponseReturnValue

from .drain import DrainState
from .problems import Problem

Check = Callable[[], str | None]


class Readiness:
    """The reasons, if any, why this instance should get no requests now."""

    def __init__(self, drain: DrainState) -> None:
        self._drain = drain
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Ask `check` at each probe; it returns None, or a sentence that says why not."""
        self._checks[name] = check

    def reasons(self) -> dict[str, str]:
        """Return why the instance is not ready, by the name of the check; empty when it is."""
        if self._drain.draining:
            return {"draining": "The instance is shutting down."}
        answers = {name: check() for name, check in self._checks.items()}
        return {name: reason for name, reason in answers.items() if reason is not None}


def init_app(app: Flask, readiness: Readiness) -> None:
    """Serve both probes."""

    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "alive"}

    @app.get("/readyz")
    def readyz() -> ResponseReturnValue:
        reasons = readiness.reasons()
        if reasons:
            raise Problem(503, " ".join(reasons.values()), reasons=reasons)
        return {"status": "ready"}
