"""What speaks against an action: each check returns a sentence, empty where it has nothing to say.

Their names are the codes of the decisions that they cause.
"""

from __future__ import annotations

from collections.abc import Iterator

from .limits import Limits
from .wish import Wish
from .world import Action, Sick, World


def excluded(_wish: Wish, sick: Sick, _world: World, _limits: Limits) -> str:
    """Leave alone whom a human has excused."""
    return sick.excuse


def unconfirmed(wish: Wish, sick: Sick, world: World, limits: Limits) -> str:
    """Do nothing about what may be over, or has not lasted long enough."""
    if not sick.confirmed and world.now - sick.heard > limits.staleness:
        return "Alertmanager can't be asked whether it still fires, and the notification is old"
    waits = sick.since + wish.min_firing - world.now
    return f"it has to fire for {wish.min_firing:g} s first" if waits > 0 else ""


def paused(_wish: Wish, _sick: Sick, world: World, _limits: Limits) -> str:
    """Do nothing while a human has paused the responder."""
    return "the responder is paused" if world.paused else ""


def circuit_open(_wish: Wish, _sick: Sick, world: World, _limits: Limits) -> str:
    """Do nothing once the budget was spent, until a human has looked or all was quiet."""
    return "the budget was spent and the circuit is open" if world.circuit_open is not None else ""


def no_target(_wish: Wish, sick: Sick, world: World, _limits: Limits) -> str:
    """Restart only an instance that there is, that is wanted and that carries the heal label."""
    if not sick.instance:
        return "the alert names no instance"
    found = world.instance(sick.instance)
    if found is None:
        return f"there is no {sick.instance}"
    if found.service != sick.service:  # what is done to a service is counted by that name
        return f"{found.name} is one of {found.service}, not of {sick.service or 'none'}"
    if not found.heals:
        return f"{found.name} does not carry the heal label"
    return f"{found.name} stands by" if found.state == "standby" else ""


def already_healthy(wish: Wish, sick: Sick, world: World, _limits: Limits) -> str:
    """Spare who serves, unless it is sick all the same."""
    found = world.instance(sick.instance)
    ready = found is not None and found.state == "ready"
    return f"{sick.instance} serves" if ready and not wish.even_if_ready else ""


def last_ready_replica(_wish: Wish, sick: Sick, world: World, _limits: Limits) -> str:
    """Spare the last one that is ready while another one of its service is to come back.

    Where there is no other it is the sick one itself, and nobody else can be waited for.
    """
    found = world.instance(sick.instance)
    if found is None or found.state != "ready":
        return ""
    others = [one for one in world.of(found.service) if one != found and one.state != "standby"]
    if not others or any(one.state == "ready" for one in others):
        return ""
    return f"{found.name} is the last one of {found.service} that is ready"


def in_progress(_wish: Wish, sick: Sick, world: World, _limits: Limits) -> str:
    """Do one thing at a time to a service."""
    for action in _of(sick.service, world):
        if action.finished_at is None:
            return f"{action.kind} of {action.target} is under way"
    return ""


def cooldown(_wish: Wish, sick: Sick, world: World, limits: Limits) -> str:
    """Wait ever longer between the restarts of an instance."""
    earlier = [
        action
        for action in _of(sick.service, world)
        if action.kind == "restart"
        and action.target == sick.instance
        and action.started_at > world.now - limits.window
    ]
    waits = earlier[-1].started_at + limits.wait(len(earlier)) - world.now if earlier else 0.0
    return f"{sick.instance} was restarted: not again for {waits:.0f} s" if waits > 0 else ""


def scale_out_stabilization(_wish: Wish, sick: Sick, world: World, limits: Limits) -> str:
    """Let the last change of scale show what it does before the next instance starts."""
    return _settling(sick, world, limits.scale_out_stabilization)


def scale_in_stabilization(_wish: Wish, sick: Sick, world: World, limits: Limits) -> str:
    """Let the last change of scale show what it does before an instance goes."""
    return _settling(sick, world, limits.scale_in_stabilization)


def _settling(sick: Sick, world: World, settle: float) -> str:
    scaled = [action for action in _of(sick.service, world) if action.kind != "restart"]
    waits = scaled[-1].started_at + settle - world.now if scaled else 0.0
    return f"{sick.service} was scaled: not again for {waits:.0f} s" if waits > 0 else ""


def max_replicas(_wish: Wish, sick: Sick, world: World, _limits: Limits) -> str:
    """Have no more instances than there may be."""
    service = world.services[sick.service]
    has_all = service.scale >= service.max_replicas
    return f"{sick.service} has all {service.max_replicas} that it may have" if has_all else ""


def min_replicas(_wish: Wish, sick: Sick, world: World, _limits: Limits) -> str:
    """Have no fewer instances than there must be."""
    service = world.services[sick.service]
    has_few = service.scale <= service.min_replicas
    return f"{sick.service} has the {service.min_replicas} that it needs" if has_few else ""


def not_scalable(_wish: Wish, sick: Sick, world: World, _limits: Limits) -> str:
    """Scale only a service that there is and that carries the heal label."""
    service = world.services.get(sick.service)
    if service is None:
        return f"there is no service {sick.service}" if sick.service else "it names no service"
    return "" if service.heals else f"{sick.service} does not carry the heal label"


def _of(service: str, world: World) -> Iterator[Action]:
    return (action for action in world.done if action.service == service)
