"""Scale a service natively: start standby instances, or drain some and let them stand by."""

from __future__ import annotations

from collections.abc import Sequence

from ..base import Notify
from . import configs, readiness
from .hands import Hands
from .plan import Plan
from .process import Process

# Longer than the longest request (timeout server of the load balancer).
DRAIN = 15.0


def scale(hands: Hands, plan: Plan, service: str, count: int, notify: Notify) -> None:
    """Have exactly the first `count` instances of a service serve, and lose no request."""
    before = hands.scale.scale(service)
    chosen = plan.of(service)
    fresh, leaving = chosen[before:count], chosen[count:before]
    _start(hands, fresh)
    _drain(hands, leaving, notify)
    hands.scale.set(service, count)
    # A new instance is scraped before it serves, a leaving one until it has stopped.
    configs.write_service_targets(hands.layout, hands.scale.wanted(plan))
    _admit(hands, fresh, notify)


def _start(hands: Hands, fresh: Sequence[Process]) -> None:
    for process in fresh:
        hands.supervisor.start(process.name)
    try:
        readiness.wait(fresh, hands.word, hands.layout)
    except BaseException:
        hands.supervisor.stop(*(process.name for process in fresh))  # nobody would use them
        raise


def _admit(hands: Hands, fresh: Sequence[Process], notify: Notify) -> None:
    for process in fresh:
        hands.lb.set(process.service, process.name, "ready")
        notify(f"{process.name} serves")


def _drain(hands: Hands, leaving: Sequence[Process], notify: Notify) -> None:
    """Drain at the load balancer, then stop; the instance waits for its last scrape by itself."""
    try:
        for process in leaving:
            hands.lb.set(process.service, process.name, "drain")
        for process in leaving:
            readiness.until(
                lambda process=process: not hands.lb.sessions(process.service, process.name),  # type: ignore[misc]
                f"{process.name} to finish its requests",
                DRAIN,
            )
    except BaseException:
        for process in leaving:
            hands.lb.set(process.service, process.name, "ready")  # they stay, so they serve
        raise
    hands.supervisor.stop(*(process.name for process in leaving))
    for process in leaving:
        hands.lb.set(process.service, process.name, "maint")
        notify(f"{process.name} stands by")
