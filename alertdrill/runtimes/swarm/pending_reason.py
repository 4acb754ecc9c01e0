"""Explain why a restart or scale change is not complete yet; None once it is. Pure.

A change that can't complete any more raises a `SwarmError`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..errors import SwarmError
from .tasks import ENDED, RESTART_ANY, Container, Service, Slot, Task


def local_container(slot: Slot) -> Container:
    """Return the container to stop for a restart; raise a `SwarmError` if that is impossible."""
    if slot.service.condition != RESTART_ANY:
        raise SwarmError(
            f"{slot.name} might not start again: its restart_policy has the condition"
            f" {slot.service.condition!r}, but a restart needs {RESTART_ANY!r}."
        )
    if slot.container:
        return slot.container
    if slot.task and slot.task.pid:
        raise SwarmError(
            f"{slot.name} runs on the node {slot.task.node}, but only the manager's own node is"
            f" reachable: run `docker service update --force {slot.service.full_name}`."
        )
    raise SwarmError(f"{slot.name} has no container to restart: Swarm says {slot.swarm_state}.")


def until_restart(name: str, before: str, now: Sequence[Slot]) -> str | None:
    """Return why a restart is pending: no other task than `before` is ready in the slot."""
    slot = next((candidate for candidate in now if candidate.name == name), None)
    if slot is None:
        raise SwarmError(f"Swarm no longer runs {name}: its service was scaled meanwhile.")
    if slot.task and slot.task.id != before and slot.state == "ready":
        return None
    return f"{name} is not ready: Swarm says {slot.swarm_state}"


def until_scale(
    service: Service, count: int, existing: Collection[str], now: Sequence[Slot]
) -> str | None:
    """Return why scaling to `count` is pending: a slot is missing, or a new one is not ready.

    `existing` are the slots before the change; their health does not matter.
    """
    if service.replicas != count:
        raise SwarmError(f"Another client scaled {service.name} to {service.replicas} meanwhile.")
    slots = [slot for slot in now if slot.service.name == service.name]
    unready = [slot for slot in slots if slot.number not in existing and slot.state != "ready"]
    if unready:
        return f"{unready[0].name} is not ready: Swarm says {unready[0].swarm_state}"
    if len(slots) != count:
        return f"{service.name} has {len(slots)} tasks, not {count}"
    return None


def until_leaving(before: Collection[str], now: Sequence[Task], name: str) -> str | None:
    """Return why scaling in is pending: a leaving task, of the tasks `before`, has not ended."""
    gone = {task.id for task in now if task.should_run or task.state in ENDED}
    leaving = [task for task in now if task.id in before and task.id not in gone]
    return f"{name}-{leaving[0].slot} has not ended" if leaving else None
