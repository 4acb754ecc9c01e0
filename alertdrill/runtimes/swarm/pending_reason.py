"""What a change still lacks, as a sentence; None once it is done. Pure.

What can't come any more is raised as a `SwarmError`: nobody needs to wait for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .errors import SwarmError
from .slots import Slot
from .tasks import ENDED, RESTART_ANY, Container, Service, Task


def local_container(slot: Slot) -> Container:
    """Return the container to end for a restart; raise a `SwarmError` where that can't be."""
    if slot.service.condition != RESTART_ANY:
        raise SwarmError(
            f"{slot.name} might not come back: its restart_policy has the condition"
            f" {slot.service.condition!r}, and a restart takes {RESTART_ANY!r}."
        )
    if slot.container:
        return slot.container
    if slot.task and slot.task.pid:
        raise SwarmError(
            f"{slot.name} runs on the node {slot.task.node}, and only the manager's own is within"
            f" reach: run `docker service update --force {slot.service.full_name}`."
        )
    raise SwarmError(f"{slot.name} has no container to restart, Swarm says {slot.swarm_state}.")


def until_restart(name: str, before: str, now: Sequence[Slot]) -> str | None:
    """Return what a slot lacks until another task than `before` serves in it."""
    slot = next((one for one in now if one.name == name), None)
    if slot is None:
        raise SwarmError(f"Swarm wants no {name} any more: its service was scaled meanwhile.")
    if slot.task and slot.task.id != before and slot.state == "ready":
        return None
    return f"{name} does not serve, Swarm says {slot.swarm_state}"


def until_scale(
    service: Service, count: int, known: Collection[str], now: Sequence[Slot]
) -> str | None:
    """Return what lacks until `count` slots have a task and all but the `known` ones serve.

    How those fare that were there before is no matter of this change.
    """
    if service.replicas != count:
        raise SwarmError(f"Another has scaled {service.name} to {service.replicas} meanwhile.")
    own = [one for one in now if one.service.name == service.name]
    late = [one for one in own if one.number not in known and one.state != "ready"]
    if late:
        return f"{late[0].name} does not serve, Swarm says {late[0].swarm_state}"
    if len(own) != count:
        return f"{service.name} has {len(own)} tasks, not {count}"
    return None


def until_leaving(before: Collection[str], now: Sequence[Task], name: str) -> str | None:
    """Return what lacks until those that are to leave, of the tasks `before`, have ended."""
    gone = {one.id for one in now if one.should_run or one.state in ENDED}
    leaving = [one for one in now if one.id in before and one.id not in gone]
    return f"{name}-{leaving[0].slot} has not ended" if leaving else None
