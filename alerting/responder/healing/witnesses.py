"""Who is told of decisions and actions: metrics, the log, Grafana."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from .decide import Decision
from .deeds import Deed
from .world import Sick

log = logging.getLogger("healing")


class Witness(Protocol):
    """Somebody who is told; nothing that happens to it holds healing up."""

    def on_decision(self, sick: Sick, decision: Decision) -> None:
        """Hear of a decision, also of one to do nothing."""
        ...

    def on_action_finished(self, deed: Deed, state: str, said: str) -> None:
        """Hear how an action finished_at; `said` is the error where it failed."""
        ...


class All:
    """Tells several witnesses."""

    def __init__(self, *witnesses: Witness) -> None:
        self._witnesses = witnesses

    def on_decision(self, sick: Sick, decision: Decision) -> None:
        """Tell each of a decision."""
        self._each(lambda witness: witness.on_decision(sick, decision))

    def on_action_finished(self, deed: Deed, state: str, said: str) -> None:
        """Tell each how an action finished_at."""
        self._each(lambda witness: witness.on_action_finished(deed, state, said))

    def _each(self, tell: Callable[[Witness], None]) -> None:
        for witness in self._witnesses:
            tell(witness)


class Lines:
    """Writes a log line of each."""

    def on_decision(self, sick: Sick, decision: Decision) -> None:
        """Log a decision."""
        what = f"{decision.action} {decision.target}".strip()
        log.info(
            "Decided on %s: %s: %s",
            sick.alert,
            what if decision.action != "none" else "nothing",
            decision.reason,
            extra={
                "alert": sick.alert,
                "action": decision.action,
                "target": decision.target or sick.instance or sick.service,
                "code": decision.code,
            },
        )

    def on_action_finished(self, deed: Deed, state: str, said: str) -> None:
        """Log how an action finished_at."""
        level = logging.WARNING if state == "failed" else logging.INFO
        log.log(
            level,
            "Action %d, %s %s: %s%s",
            *(deed.id, deed.action.kind, deed.action.target, state, f": {said}" if said else ""),
            extra={"alert": deed.alert, "action_id": deed.id, "state": state},
        )
