"""Scale a service of containers: start standby instances, or let some drain and stand by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ..base import Notify
from . import lifecycle
from .hands import Hands


def scale(hands: Hands, service: str, count: int, notify: Notify) -> None:
    """Have exactly the first `count` instances of a service serve, and lose no request.

    Both the load balancer and Prometheus find by name what runs. A leaving instance says that it
    is not ready, and waits for both to notice, before it ends.
    """
    before = hands.scale.scale(service)
    found = [one for one in hands.engine.containers() if one.service == service]
    if count > len(found):
        lifecycle.stand_by(hands)
        found = [one for one in hands.engine.containers() if one.service == service]
    fresh = [one for one in found if before < one.number <= count]
    leaving = [one for one in found if one.number > count and one.pid is not None]
    for one in fresh:
        hands.engine.start(one.name)
    await_ready(hands, [one.instance for one in fresh])
    if count < before:
        # First, so that nobody misses who leaves on purpose.
        _expect(hands, service, count)
    at_once(hands.engine.stop, [one.name for one in leaving])
    hands.scale.set(service, count)
    if count > before:
        _expect(hands, service, count)
    for one in fresh:
        notify(f"{one.instance} serves")
    for one in leaving:
        notify(f"{one.instance} stands by")


def _expect(hands: Hands, service: str, count: int) -> None:
    """Have Prometheus's list name this many of a service."""
    variable = f"{service.upper().replace('-', '_')}_INSTANCES={count}"
    hands.compose.run("run", "--rm", "--no-deps", "--env", variable, "prepare")


def at_once(act: Callable[[str], None], names: Sequence[str]) -> None:
    """Do something to several containers at the same time."""
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        list(pool.map(act, names))


def await_ready(hands: Hands, names: Sequence[str]) -> None:
    """Return when all of these instances are well, as their health checks say."""

    def ready() -> bool:
        found = {one.instance: one for one in hands.engine.containers()}
        return all(
            found[name].state == "running" and found[name].health in ("healthy", "none")
            for name in names
        )

    lifecycle.wait(ready, f"{', '.join(names)} to serve")
