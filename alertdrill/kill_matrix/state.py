"""The state of the stack that a fault disturbs, and what is missing until it is back."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import psutil

from ..clients.http import UnreachableError
from ..drills.context import DrillContext
from ..runtimes.base import Instance
from .plan import Row

# The time of the newest sample of each target that is up, and of each server that the load
# balancer sends requests to.
UP = "timestamp(up == 1)"
SERVERS = 'timestamp(haproxy_server_status{state="UP"} == 1)'
# A frozen supervisor answers nothing, and its clients have no timeout of their own.
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class StackState:
    """The instances, by name, and the times of samples, by the labels of their series."""

    instances: Mapping[str, Instance] = field(default_factory=dict)
    up: Mapping[frozenset[tuple[str, str]], float] = field(default_factory=dict)
    servers: Mapping[frozenset[tuple[str, str]], float] = field(default_factory=dict)


def observe(context: DrillContext) -> StackState:
    """Return the state; raise `UnreachableError` if a part of it does not answer in time."""
    states: list[StackState] = []
    errors: list[Exception] = []

    def read() -> None:
        try:
            instances = {instance.name: instance for instance in context.runtime.status()}
            states.append(StackState(instances, _times(context, UP), _times(context, SERVERS)))
        except psutil.Error as error:  # a process has ended meanwhile
            errors.append(UnreachableError(f"The stack is changing: {error}."))
        except Exception as error:  # noqa: BLE001 - raised below, in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)
    for error in errors:
        raise error
    if not states:
        raise UnreachableError(f"The stack does not answer within {TIMEOUT_S:g} s.")
    return states[0]


def _times(context: DrillContext, query: str) -> Mapping[frozenset[tuple[str, str]], float]:
    samples = context.prometheus.query(query)
    return {frozenset(item["metric"].items()): float(item["value"][1]) for item in samples}


def find_unready(row: Row, before: StackState, now: StackState) -> str:
    """Return which instance is not as ready as before the fault, or an empty text.

    A process that the fault ended must have a successor.
    """
    for name, old in before.instances.items():
        if old.state == "standby":
            continue
        new = now.instances.get(name)
        # The responder may have scaled a service in meanwhile.
        allowed = ("ready",) if name in row.instances else ("ready", "standby")
        if new is None or new.state not in allowed:
            return f"{name} is {new.state if new else 'gone'}."
        if name in row.instances and row.fault != "pause" and new.pid == old.pid:
            return f"{name} has not stopped yet."
    return ""


def find_stale(before: StackState, now: StackState, since: float) -> str:
    """Return which target or server has not been up since a time, or an empty text."""
    for name, old, new in (("target", before.up, now.up), ("server", before.servers, now.servers)):
        for labels in old:
            if new.get(labels, 0.0) <= since:
                return f"the {name} {_label(labels)} is not up."
    return ""


def is_replaced(instances: Collection[str], before: StackState, now: StackState) -> bool:
    """Return whether each of the instances has another process than before."""
    return all(
        name in now.instances and now.instances[name].pid not in (None, before.instances[name].pid)
        for name in instances
    )


def _label(labels: frozenset[tuple[str, str]]) -> str:
    values = dict(labels)
    return values.get("server") or values.get("instance", "")
