"""A run: requests while everything is restarted in turn, then every party's count."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..drills.session import CURRENT_STACK, EPHEMERAL_STACK, ProvisionedStack
from ..runtimes import Instance, Runtime
from ..runtimes.base import ProgressCallback
from . import plan
from .chain import CHAIN
from .client import Client, Failure
from .pace import Pace
from .plan import Step
from .report import Done, Report
from .settle import settle
from .store import Store, store
from .tally import Tally

# The engine keeps 30 MB of a container's lines. A request is two lines of the load balancer, of
# 800 bytes each as the engine writes them: after 18,000 the first are gone.
READ_AFTER = 5000


@dataclass(frozen=True)
class Wanted:
    """How many requests at how many a second, and how many rounds; None is as many as fit."""

    requests: int
    rate: float
    rounds: int | None = None

    @property
    def all_rounds(self) -> int:
        """Return how many rounds there are."""
        if self.rounds is not None:
            return self.rounds
        return plan.rounds(self.requests, self.rate)


def run_audit(
    provisioned: ProvisionedStack, wanted: Wanted, on_progress: ProgressCallback
) -> Report:
    """Send the requests, do the steps, wait and compare."""
    runtime = provisioned.runtime
    found = runtime.status()
    running = {instance.service for instance in found if instance.pid is not None}
    mark = f"audit-{secrets.token_hex(4)}"
    kept = store(runtime, running)
    notes = [*provisioned.notes, about_store(kept)]
    on_progress(notes[-1])
    scales = _scales(found)
    steps = plan.steps(scales, running, wanted.all_rounds)
    tally = Tally(runtime, mark, kept)
    tally.begin()
    pace = Pace(wanted.requests, wanted.rate)
    client = Client(
        runtime.addresses()["Services"], mark, pace, lambda one: on_progress(_failed(one))
    )
    on_progress(f"sending {wanted.requests} requests {mark}-… at {wanted.rate:g} a second")
    try:
        client.start()
        done = _disturb(runtime, steps, (pace, tally), on_progress)
        client.finish()
    finally:
        pace.stop()
        if not runtime.ephemeral:
            _put_back(runtime, scales)
    tally.lines.read()
    settle(lambda: tally.parties(client), on_progress)
    tally.lines.read()
    parties = tally.parties(client)
    return Report(
        began=provisioned.record.began,
        ended=time.time(),
        runtime=runtime.name,
        stack=EPHEMERAL_STACK if runtime.ephemeral else CURRENT_STACK,
        store=kept.name if kept else None,
        requests=wanted.requests,
        rate=wanted.rate,
        rounds=wanted.all_rounds,
        steps=done,
        failures=client.failures,
        retries=tally.retries().retries,
        parties=parties,
        notes=notes,
    )


def about_store(kept: Store | None) -> str:
    """Say who keeps the lines."""
    if kept is None:
        return "No collector with a Loki runs here: the lines are counted in the files alone."
    if kept.name == "Loki":
        return "The collector carries the lines to Loki."
    return "There is no Loki here: a stand-in of our own takes the collector's lines in its place."


def _failed(failure: Failure) -> str:
    return f"{failure.id} failed: {failure.said}"


def _scales(found: Sequence[Instance]) -> Mapping[str, int]:
    return {
        service: sum(one.service == service and one.state != "standby" for one in found)
        for service in CHAIN
    }


def _disturb(
    runtime: Runtime,
    steps: Sequence[Step],
    under: tuple[Pace, Tally],
    on_progress: ProgressCallback,
) -> Sequence[Done]:
    """Do each step after its share of the requests, and return when all have left."""
    pace, tally = under
    done = []
    places = plan.places(pace.total, len(steps))
    for step, (begins, ends) in zip(steps, pairwise(places), strict=True):
        _reach(pace, tally, begins)
        after, begun = pace.sent, time.monotonic()
        on_progress(f"after {after} requests: {step} …")
        with pace.spread(until=ends):
            _do(runtime, step)
        done.append(Done(str(step), after, round(time.monotonic() - begun, 1)))
        on_progress(f"{step}: done in {done[-1].seconds} s, {pace.sent - after} requests meanwhile")
    _reach(pace, tally, pace.total)
    return done


def _reach(pace: Pace, tally: Tally, count: int) -> None:
    """Wait for so many requests, and read the lines before the first are gone."""
    while pace.sent < count:
        before = pace.sent // READ_AFTER
        pace.reach(min(count, (before + 1) * READ_AFTER))
        if pace.sent // READ_AFTER > before:
            tally.lines.read()


def _do(runtime: Runtime, step: Step) -> None:
    if step.count is None:
        runtime.restart(step.target)
    else:
        runtime.scale(step.target, step.count, lambda _: None)


def _put_back(runtime: Runtime, scales: Mapping[str, int]) -> None:
    """Have as many instances serve as before, also when a run was cut off."""
    now = _scales(runtime.status())
    for service, count in scales.items():
        if now[service] != count:
            runtime.scale(service, count, lambda _: None)
