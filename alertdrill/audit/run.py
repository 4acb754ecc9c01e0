"""Run the audit: send requests while services restart, then compare every count."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..drills.session import CURRENT_STACK, EPHEMERAL_STACK, ProvisionedStack
from ..runtimes import Instance, Runtime
from ..runtimes.base import ProgressCallback
from .access_lines import PATH_SERVICES
from .client import Client, Failure
from .count_collector import CountCollector
from .disruptions import Step, plan_steps, rounds_that_fit, step_positions
from .log_store import LogStore, find_log_store
from .report import CompletedStep, Report
from .request_scheduler import RequestScheduler
from .wait_until_stable import wait_until_stable

# The engine keeps 30 MB of a container's log. A request is two lines of the load balancer, 800
# bytes each as the engine writes them, so the first ones are gone after 18,000 requests.
READ_EVERY_REQUESTS = 5000


@dataclass(frozen=True)
class AuditOptions:
    """The number of requests, their rate, and the rounds; None means as many as fit."""

    requests: int
    rate: float
    rounds: int | None = None

    @property
    def round_count(self) -> int:
        """Return the number of rounds."""
        if self.rounds is not None:
            return self.rounds
        return rounds_that_fit(self.requests, self.rate)


def run_audit(
    provisioned: ProvisionedStack, options: AuditOptions, on_progress: ProgressCallback
) -> Report:
    """Send the requests, perform the steps, wait and compare the counts."""
    runtime = provisioned.runtime
    instances = runtime.status()
    running = {instance.service for instance in instances if instance.pid is not None}
    mark = f"audit-{secrets.token_hex(4)}"
    kept = find_log_store(runtime, running)
    notes = [*provisioned.notes, describe_store(kept)]
    on_progress(notes[-1])
    scales = _replica_counts(instances)
    steps = plan_steps(scales, running, options.round_count)
    collector = CountCollector(runtime, mark, kept)
    collector.record_baseline()
    scheduler = RequestScheduler(options.requests, options.rate)
    client = Client(
        runtime.addresses()["Services"],
        mark,
        scheduler,
        lambda failure: on_progress(_failure_message(failure)),
    )
    on_progress(f"sending {options.requests} requests {mark}-… at {options.rate:g} per second")
    try:
        client.start()
        done = _perform_steps(runtime, steps, (scheduler, collector), on_progress)
        client.finish()
    finally:
        scheduler.stop()
        if not runtime.ephemeral:
            _restore_replicas(runtime, scales)
    collector.lines.read()
    wait_until_stable(lambda: collector.sources(client), on_progress)
    collector.lines.read()
    sources = collector.sources(client)
    return Report(
        began=provisioned.record.began,
        ended=time.time(),
        runtime=runtime.name,
        stack=EPHEMERAL_STACK if runtime.ephemeral else CURRENT_STACK,
        store=kept.name if kept else None,
        requests=options.requests,
        rate=options.rate,
        rounds=options.round_count,
        steps=done,
        failures=client.failures,
        retries=collector.retries().retries,
        sources=sources,
        notes=notes,
    )


def describe_store(kept: LogStore | None) -> str:
    """Return which store receives the lines."""
    if kept is None:
        return "No collector with Loki runs: lines are counted in the log files only."
    if kept.name == "Loki":
        return "The collector sends the lines to Loki."
    return "Loki is not installed: a fake of Loki receives the collector's lines."


def _failure_message(failure: Failure) -> str:
    return f"{failure.id} failed: {failure.error}"


def _replica_counts(instances: Sequence[Instance]) -> Mapping[str, int]:
    return {
        service: sum(
            instance.service == service and instance.state != "standby" for instance in instances
        )
        for service in PATH_SERVICES
    }


def _perform_steps(
    runtime: Runtime,
    steps: Sequence[Step],
    under: tuple[RequestScheduler, CountCollector],
    on_progress: ProgressCallback,
) -> Sequence[CompletedStep]:
    """Perform each step at its position; return when all requests are sent."""
    scheduler, collector = under
    done = []
    positions = step_positions(scheduler.total, len(steps))
    for step, (begins, ends) in zip(steps, pairwise(positions), strict=True):
        _wait_for_requests(scheduler, collector, begins)
        after, begun = scheduler.sent, time.monotonic()
        on_progress(f"after {after} requests: {step} …")
        with scheduler.slow_down(until=ends):
            _perform(runtime, step)
        done.append(CompletedStep(str(step), after, round(time.monotonic() - begun, 1)))
        on_progress(f"{step}: done in {done[-1].seconds} s, {scheduler.sent - after} requests sent")
    _wait_for_requests(scheduler, collector, scheduler.total)
    return done


def _wait_for_requests(scheduler: RequestScheduler, collector: CountCollector, count: int) -> None:
    """Wait for `count` requests, and read the lines before rotation drops them."""
    while scheduler.sent < count:
        before = scheduler.sent // READ_EVERY_REQUESTS
        scheduler.wait_until_sent(min(count, (before + 1) * READ_EVERY_REQUESTS))
        if scheduler.sent // READ_EVERY_REQUESTS > before:
            collector.lines.read()


def _perform(runtime: Runtime, step: Step) -> None:
    if step.count is None:
        runtime.restart(step.target)
    else:
        runtime.scale(step.target, step.count, lambda _: None)


def _restore_replicas(runtime: Runtime, scales: Mapping[str, int]) -> None:
    """Restore the number of replicas, also after an interrupted run."""
    now = _replica_counts(runtime.status())
    for service, count in scales.items():
        if now[service] != count:
            runtime.scale(service, count, lambda _: None)
