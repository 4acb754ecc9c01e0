"""The capacity of one to four instances, and the time until a new one serves."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table

from alertdrill.drills import faults, undo
from alertdrill.drills.console import DrillConsole
from alertdrill.drills.context import DrillContext
from alertdrill.drills.errors import DrillError, UnreachableError
from alertdrill.drills.faults import FaultContext
from alertdrill.drills.model import FaultSpec, LoadSpec
from alertdrill.drills.session import Options, open_session, provision
from alertdrill.loads.capacity import Capacity, find_capacity
from alertdrill.loads.context import create_context as loaded
from alertdrill.loads.profile import load_profile
from alertdrill.loads.run import LoadSize
from alertdrill.runtimes import Runtime
from alertdrill.settings import MAX_REPLICAS, SERVICES, StackSettings, current

SPEED = 12.0
# Shorter and coarser than `alertdrill load capacity`: only runs of one kind are compared.
STEP, WARMUP, RESOLUTION, FIRST = 12.0, 4.0, 0.15, 80
# The drill of Saturated: sixty clients, whose requests take 0.35 s each, on sixteen places.
BUSY = LoadSpec("steady", 60)
SLOW = FaultSpec("latency", "web", {"seconds": 0.35})
FRESH = 'haproxy_server_http_responses_total{proxy="web",server="web-3"}'
TAKEN = 'sum(http_requests_in_flight{service="web"}) >= 0.8 * 16'
PATIENCE = 60.0
POLL = 0.05


@dataclass(frozen=True)
class Moment:
    """A step on the way to a new instance, in seconds after the saturation."""

    what: str
    after: float


def table() -> RenderableType:
    """Measure on ephemeral stacks, one after the other."""
    with tempfile.TemporaryDirectory() as home:
        settings = replace(current(), home=Path(home), runtime="native")
        with provision(settings, Options(SPEED, healing=False), lambda _: None) as stack:
            grown = [_carried(stack.settings, stack.runtime, n) for n in range(1, MAX_REPLICAS + 1)]
        with (
            DrillConsole(Console(quiet=True)) as console,
            open_session(settings, Options(SPEED), console) as context,
        ):
            moments = list(_until_served(context))
    return Group(_growth(grown), "", _moments(moments))


def _carried(stack: StackSettings, runtime: Runtime, count: int) -> Capacity:
    """Return the capacity of `count` instances of each service."""
    for service in SERVICES:
        runtime.scale(service, count, lambda _: None)
    wanted = load_profile("capacity")
    assert wanted.search is not None
    search = replace(wanted.search, resolution=RESOLUTION)
    folder = stack.home / f"capacity-{count}"
    folder.mkdir(parents=True)
    around = loaded(stack, runtime, None, lambda _: None)
    shorter = replace(wanted, warmup=WARMUP, search=search)
    return find_capacity(shorter, LoadSize(FIRST, STEP), around, folder, lambda _: None)


def _until_served(context: DrillContext) -> Iterator[Moment]:
    """Saturate web, and yield each step until its third instance has answered a request."""
    runtime, prometheus = context.runtime, context.prometheus
    context.traffic.ensure(BUSY)
    _await("the clients", lambda: bool(prometheus.query("sum(up) > 0")))
    fault = faults.create(
        SLOW, FaultContext(runtime, context.traffic, context.run_id, max_duration=PATIENCE)
    )
    context.record_undo("benchmark", fault.undo)
    fault.inject()
    began = time.time()
    _await("the saturation", lambda: bool(prometheus.query(TAKEN)))
    waits: Sequence[tuple[str, Callable[[], bool]]] = (
        ("Saturated is pending", lambda: bool(_states(context))),
        ("it fires", lambda: "firing" in _states(context)),
        (
            "the responder is told",
            lambda: bool(context.responder.received_alerts(began, alert="Saturated")),
        ),
        ("it acts", lambda: bool(context.responder.actions(began))),
        ("web-3 has answered", lambda: bool(prometheus.query(f"{FRESH} > 0"))),
    )
    begun = time.monotonic()
    for what, check in waits:
        _await(what, check)
        yield Moment(what, time.monotonic() - begun)
    undo.perform(runtime, fault.undo)
    context.record_undo("", ())


def _states(context: DrillContext) -> list[str]:
    rule = context.prometheus.rule("Saturated")
    return [alert.state for alert in rule.alerts] if rule else []


def _await(what: str, check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if check():
                return
        except UnreachableError:  # it is busy, too
            pass
        if time.monotonic() > deadline:
            raise DrillError(f"Waited {PATIENCE:.0f} s in vain for this: {what}.")
        time.sleep(POLL)


def _growth(grown: Sequence[Capacity]) -> Table:
    cores = os.cpu_count() or 1
    title = f"Capacity by instances of each service ({cores} cores, Locust's share included)"
    shown = Table("Instances", "Requests/s", "Each", "To one", title=title, box=None)
    shown.title_justify = "left"
    for count, found in enumerate(grown, 1):
        ratio = found.rate / grown[0].rate if grown[0].rate else 0.0
        more = "" if found.limit_found else " or more"
        shown.add_row(
            str(count), f"{found.rate:.0f}{more}", f"{found.rate / count:.0f}", f"{ratio:.2f}"
        )
    return shown


def _moments(moments: Sequence[Moment]) -> Table:
    title = f"From saturation to the first request on a new instance, at speed {SPEED:g}"
    shown = Table("Until", "Seconds", title=title, box=None)
    shown.title_justify = "left"
    for moment in moments:
        shown.add_row(moment.what, f"{moment.after:.1f}")
    return shown
