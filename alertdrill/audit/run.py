"""Run the audit: send requests while services restart, then compare every count."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..config.services import SERVICES
from ..drills.context import AuditContext
from ..drills.session import CURRENT_STACK, EPHEMERAL_STACK
from ..errors import AlertdrillError
from ..runtimes.base import ProgressCallback, StackRuntime
from .client import Client, Route
from .counts import CountCollector
from .report import CompletedStep, CountSource, Report

# The services that store the lines, with their names in the report.
STORES = {"loki": "Loki", "fake-loki": "fake Loki"}
STORE_NOTES = {
    None: "No collector with Loki runs: lines are counted in the log files only.",
    "Loki": "The collector sends the lines to Loki.",
    "fake Loki": "Loki is not installed: a fake of Loki receives the collector's lines.",
}
# A round of steps takes 90 s on two cores.
ROUND_S = 90.0
# The engine keeps 30 MB of a container's log. A request is two lines of the load balancer, 800
# bytes each as the engine writes them, so the first ones are gone after 18,000 requests.
READ_EVERY_REQUESTS = 5000
# Seconds that counts must stay exact. After an outage the collector retries within ten seconds,
# and duplicates arrive late.
STABLE_S = 12.0
# Seconds without a change: several scrapes and two of the collector's retries.
UNCHANGED_TIMEOUT_S = 30.0
# A queue that filled while Loki was down is empty by then.
TIMEOUT_S = 300.0
# The pause is as long as the last count took, within these bounds: counting loads the stack.
MIN_POLL_INTERVAL_S, MAX_POLL_INTERVAL_S = 1.0, 5.0


@dataclass(frozen=True)
class Step:
    """One change: a restart, or with `count` a new scale."""

    target: str
    count: int | None = None

    def __str__(self) -> str:
        """Return the step as text."""
        return (
            f"restart {self.target}" if self.count is None else f"scale {self.target}={self.count}"
        )


def plan_steps(scales: Mapping[str, int], parts: Collection[str], rounds: int) -> Sequence[Step]:
    """Return rounds of steps that must lose no request and restore the scale.

    `scales` is the number of replicas of each service; `parts` are the services that run.
    """
    # Restarts come first, while each service has the fewest instances.
    steps = [Step(part) for part in (*scales, "collector", *STORES) if part in parts]
    for service, scale in scales.items():
        highest = SERVICES[service].replicas.max
        steps.append(Step(service, scale + 1 if scale < highest else scale - 1))
    steps += [Step(service, scale) for service, scale in scales.items()]
    return steps * rounds


def run_audit(
    context: AuditContext, route: Route, *, requests: int, rate: float, rounds: int | None = None
) -> Report:
    """Send the requests, perform the steps, wait and compare the counts.

    `rate` is per second; without `rounds` there are as many rounds of steps as fit, at least one.
    """
    runtime, note = context.runtime, context.progress.note
    rounds = max(1, int(requests / rate / ROUND_S)) if rounds is None else rounds
    running = {item.service for item in runtime.status() if item.pid is not None}
    stores = [name for service, name in STORES.items() if {service, "collector"} <= running]
    store = stores[0] if stores else None
    note(STORE_NOTES[store])
    client = Client(
        runtime.addresses()["Services"],
        route,
        requests,
        rate,
        lambda failure: note(f"{failure.id} failed: {failure.error}"),
    )
    collector = CountCollector(runtime, route, client.prefix, store)
    collector.record_baseline()
    scales = {service: count_replicas(runtime, service) for service in route.services}
    note(f"sending {requests} requests {client.prefix}-… at {rate:g} per second")
    steps = send_requests(
        context, client, plan_steps(scales, running, rounds), collector.lines.read
    )
    collector.lines.read()
    wait_until_stable(lambda: collector.sources(client), note)
    collector.lines.read()
    sources = collector.sources(client)
    return Report(
        began=context.record.began,
        ended=time.time(),
        runtime=runtime.name,
        stack=EPHEMERAL_STACK if runtime.ephemeral else CURRENT_STACK,
        store=store,
        requests=requests,
        rate=rate,
        rounds=rounds,
        steps=steps,
        failures=client.failures,
        retries=collector.retries(),
        sources=sources,
        notes=[*context.notes, STORE_NOTES[store]],
    )


def count_replicas(runtime: StackRuntime, service: str) -> int:
    """Return a service's number of replicas."""
    return sum(item.service == service and item.state != "standby" for item in runtime.status())


def send_requests(
    context: AuditContext, client: Client, steps: Sequence[Step], read_lines: Callable[[], None]
) -> Sequence[CompletedStep]:
    """Send all requests while the steps are performed; restore the scale of a kept stack."""
    runtime, note = context.runtime, context.progress.note
    done = []
    positions = [client.total * place // (len(steps) + 1) for place in range(1, len(steps) + 2)]
    client.start()
    try:
        for step, (begins, ends) in zip(steps, pairwise(positions), strict=True):
            wait_for_requests(client, begins, read_lines)
            after, begun = client.sent, time.monotonic()
            note(f"after {after} requests: {step} …")
            with client.slow_down(until=ends):
                if step.count is None:
                    runtime.restart(step.target)
                else:
                    runtime.scale(step.target, step.count, lambda _: None)
            seconds = round(time.monotonic() - begun, 1)
            done.append(CompletedStep(str(step), after, seconds))
            note(f"{step}: done in {seconds} s, {client.sent - after} requests sent")
        wait_for_requests(client, client.total, read_lines)
        client.finish()
    finally:
        client.stop()
        # The last scale of each service is that of the beginning.
        for service, count in {step.target: step.count for step in steps if step.count}.items():
            if not runtime.ephemeral and count_replicas(runtime, service) != count:
                runtime.scale(service, count, lambda _: None)
    return done


def wait_for_requests(client: Client, count: int, read_lines: Callable[[], None]) -> None:
    """Wait for `count` requests, and read the lines before rotation drops them."""
    while (sent := client.sent) < count:
        batch = sent // READ_EVERY_REQUESTS
        client.wait_until_sent(min(count, (batch + 1) * READ_EVERY_REQUESTS))
        if client.sent // READ_EVERY_REQUESTS > batch:
            read_lines()


def wait_until_stable(
    read_sources: Callable[[], Sequence[CountSource]], note: ProgressCallback
) -> Sequence[CountSource]:
    """Return the counts once all are exact, or none changes any more.

    Reports each change of what differs; raises the error of a source that still fails.
    """
    begun = changed = time.monotonic()
    last: object = None
    while True:
        started = time.monotonic()
        sources: Sequence[CountSource] = ()
        failure: AlertdrillError | None = None
        try:
            sources = read_sources()
        except AlertdrillError as error:
            failure = error
        now = time.monotonic()
        off = [f"{source.name} {source.difference:+}" for source in sources if not source.exact]
        waits = f" for {', '.join(off)}" if off else f": {failure}" if failure else ""
        if (sources, waits) != last:
            last, changed = (sources, waits), now
            note(f"waiting{waits}" if waits else "all counts agree; waiting for late duplicates")
        timeout = UNCHANGED_TIMEOUT_S if waits else STABLE_S
        if now - changed >= timeout or now - begun >= TIMEOUT_S:
            if failure:
                raise failure
            return sources
        time.sleep(min(max(MIN_POLL_INTERVAL_S, now - started), MAX_POLL_INTERVAL_S))
