"""The capacity of one to four instances, and the time until a new instance is ready."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table

from alertdrill.clients.http import UnreachableError
from alertdrill.config.services import SERVICES
from alertdrill.config.settings import StackSettings, current
from alertdrill.drills import undo
from alertdrill.drills.context import DrillContext, DrillProgress
from alertdrill.drills.faults import registry
from alertdrill.drills.model import DrillError, FaultSpec, LoadSpec
from alertdrill.drills.session import Options, provision
from alertdrill.load.capacity import Capacity, find_capacity
from alertdrill.load.profile import load_profile
from alertdrill.load.run import create_context as loaded
from alertdrill.runtimes.base import StackRuntime
from alertdrill.runtimes.select import select_fault_target, select_stack_runtime

SPEED = 12.0
# Shorter and coarser than `alertdrill load capacity`: only runs of one kind are compared.
STEP_S, WARMUP_S, RESOLUTION, FIRST_USERS = 12.0, 4.0, 0.15, 80
# The drill of Saturated: sixty clients, whose requests take 0.35 s each, on sixteen places.
BUSY = LoadSpec(shape="steady", users=60)
SLOW = FaultSpec(kind="latency", target="web", parameters={"seconds": 0.35})
NEW_INSTANCE_RESPONSES = 'haproxy_server_http_responses_total{proxy="web",server="web-3"}'
SATURATED = 'sum(http_requests_in_flight{service="web"}) >= 0.8 * 16'
TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.05


@dataclass(frozen=True)
class ScalingStep:
    """A step on the way to a new instance, in seconds after the saturation."""

    name: str
    seconds: float


def table() -> RenderableType:
    """Measure on ephemeral stacks, one after the other."""
    with tempfile.TemporaryDirectory() as home:
        settings = replace(current(), home=Path(home), runtime="native")
        progress = DrillProgress(lambda _: None)
        with provision(settings, Options(SPEED, healing="off"), progress, _select) as stack:
            capacities = [
                _capacity_of(stack.record.stack, stack.runtime, n)
                for n in range(1, min(service.replicas.max for service in SERVICES.values()) + 1)
            ]
        with provision(settings, Options(SPEED), progress, select_fault_target) as context:
            steps = list(_steps_until_ready(context))
    return Group(_capacity_table(capacities), "", _step_table(steps))


def _select(settings: StackSettings) -> StackRuntime:
    return select_stack_runtime(settings, lambda _: None)


def _capacity_of(stack: StackSettings, runtime: StackRuntime, count: int) -> Capacity:
    """Return the capacity of `count` instances of each service."""
    for service in SERVICES:
        runtime.scale(service, count, lambda _: None)
    profile = load_profile("capacity")
    assert profile.search is not None
    search = profile.search.model_copy(update={"resolution": RESOLUTION})
    folder = stack.home / f"capacity-{count}"
    folder.mkdir(parents=True)
    context = loaded(stack, runtime, None, lambda _: None)
    shorter = profile.model_copy(update={"warmup": WARMUP_S, "search": search})
    return find_capacity(shorter.resized(FIRST_USERS, STEP_S), context, folder)


def _steps_until_ready(context: DrillContext) -> Iterator[ScalingStep]:
    """Saturate web, and yield each step until its third instance has answered a request."""
    runtime, prometheus = context.runtime, context.prometheus
    context.traffic.ensure(BUSY)
    _await("the clients", lambda: bool(prometheus.query("sum(up) > 0")))
    fault = registry.create(SLOW, context, max_duration=TIMEOUT_S)
    context.record_undo("benchmark", fault.undo)
    fault.inject()
    alert_start = time.time()
    _await("the saturation", lambda: bool(prometheus.query(SATURATED)))
    waits: Sequence[tuple[str, Callable[[], bool]]] = (
        ("Saturated is pending", lambda: bool(_states(context))),
        ("it fires", lambda: "firing" in _states(context)),
        (
            "the responder is notified",
            lambda: bool(context.responder.received_alerts(alert_start, alert="Saturated")),
        ),
        ("the responder acts", lambda: bool(context.responder.actions(alert_start))),
        ("web-3 has responded", lambda: bool(prometheus.query(f"{NEW_INSTANCE_RESPONSES} > 0"))),
    )
    start = time.monotonic()
    for name, check in waits:
        _await(name, check)
        yield ScalingStep(name, time.monotonic() - start)
    undo.perform(runtime, fault.undo)
    context.record_undo("", ())


def _states(context: DrillContext) -> list[str]:
    rule = context.prometheus.rule("Saturated")
    return [alert.state for alert in rule.alerts] if rule else []


def _await(name: str, check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            if check():
                return
        except UnreachableError:  # it is busy, too
            pass
        if time.monotonic() > deadline:
            raise DrillError(f"timed out after {TIMEOUT_S:.0f} s: {name}")
        time.sleep(POLL_INTERVAL_S)


def _capacity_table(capacities: Sequence[Capacity]) -> Table:
    cores = os.cpu_count() or 1
    title = f"Capacity by instances of each service ({cores} cores, Locust's share included)"
    output = Table("Instances", "Requests/s", "Each", "To one", title=title, box=None)
    output.title_justify = "left"
    for count, capacity in enumerate(capacities, 1):
        ratio = capacity.rate / capacities[0].rate if capacities[0].rate else 0.0
        more = "" if capacity.limit_found else " or more"
        output.add_row(
            str(count), f"{capacity.rate:.0f}{more}", f"{capacity.rate / count:.0f}", f"{ratio:.2f}"
        )
    return output


def _step_table(steps: Sequence[ScalingStep]) -> Table:
    title = f"From saturation to the first request on a new instance, at speed {SPEED:g}"
    output = Table("Until", "Seconds", title=title, box=None)
    output.title_justify = "left"
    for step in steps:
        output.add_row(step.name, f"{step.seconds:.1f}")
    return output
