"""Observers of decisions and actions: metrics, the log, Grafana."""

from __future__ import annotations

import logging
from typing import Protocol

from .action_store import ActionRecord
from .planner import Decision
from .snapshot import AlertTarget

log = logging.getLogger("healing")


class Observer(Protocol):
    """An observer; it must neither block nor raise."""

    def on_decision(self, target: AlertTarget, decision: Decision) -> None:
        """Observe a decision, also one for no action."""
        ...

    def on_action_finished(self, record: ActionRecord, state: str, message: str) -> None:
        """Observe the end of an action; `message` is the error if it failed."""
        ...


class CompositeObserver:
    """Passes each event to several observers."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def on_decision(self, target: AlertTarget, decision: Decision) -> None:
        """Pass on a decision."""
        for observer in self._observers:
            observer.on_decision(target, decision)

    def on_action_finished(self, record: ActionRecord, state: str, message: str) -> None:
        """Pass on the end of an action."""
        for observer in self._observers:
            observer.on_action_finished(record, state, message)


class LogObserver:
    """Writes a log line for each event."""

    def on_decision(self, target: AlertTarget, decision: Decision) -> None:
        """Log a decision."""
        action = f"{decision.action} {decision.target}".strip()
        log.info(
            "Decision on %s: %s: %s",
            target.alert,
            action if decision.action != "none" else "no action",
            decision.reason,
            extra={
                "alert": target.alert,
                "action": decision.action,
                "target": decision.target or target.instance or target.service,
                "code": decision.code,
            },
        )

    def on_action_finished(self, record: ActionRecord, state: str, message: str) -> None:
        """Log the end of an action."""
        action = record.action
        log.log(
            logging.WARNING if state == "failed" else logging.INFO,
            "Action %d, %s %s: %s%s",
            *(record.id, action.kind, action.target, state, f": {message}" if message else ""),
            extra={"alert": record.alert, "action_id": record.id, "state": state},
        )
