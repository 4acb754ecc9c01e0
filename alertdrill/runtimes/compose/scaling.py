"""Scale a service of containers: start standby instances, or let some drain and stand by.

Both the load balancer and Prometheus find by name what runs. A leaving instance says that it is
not ready, and waits for both to notice, before it ends: no request is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..base import Notify
from . import lifecycle
from .engine import Container
from .hands import Hands
from .waiting import at_once


def begin(hands: Hands, service: str, count: int) -> Sequence[str]:
    """Start what stands by, up to `count`; return the instances that are to serve now."""
    if count > len(_of(hands, service)):
        lifecycle.stand_by(hands)
    before = hands.scale.scales()[service]
    fresh = [one for one in _of(hands, service) if before < one.number <= count]
    for one in fresh:
        hands.engine.start(one.name)
    return [one.instance for one in fresh]


def end(hands: Hands, service: str, count: int, notify: Notify) -> None:
    """Let what is beyond `count` stand by, and have Prometheus expect the rest."""
    scales = hands.scale.scales()
    before = scales[service]
    # Before anybody leaves, so that nobody misses who leaves on purpose.
    expect(hands, {**scales, service: count})
    leaving = [one for one in _of(hands, service) if one.number > count and one.pid is not None]
    at_once(hands.engine.stop, [one.name for one in leaving])
    for number in range(before + 1, count + 1):
        notify(f"{service}-{number} serves")
    for one in leaving:
        notify(f"{one.instance} stands by")


def _of(hands: Hands, service: str) -> Sequence[Container]:
    return [one for one in hands.engine.containers() if one.service == service]


def expect(hands: Hands, scales: Mapping[str, int]) -> None:
    """Have everybody know that there are this many of each service, Prometheus's list too."""
    variables = [
        item
        for service, count in scales.items()
        for item in ("--env", f"{service.upper().replace('-', '_')}_INSTANCES={count}")
    ]
    hands.compose.run("run", "--rm", "--no-deps", *variables, "prepare")
