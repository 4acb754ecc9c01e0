"""Run the audit: send requests while services restart, then compare every count."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from ..drills.context import AuditContext
from ..drills.session import CURRENT_STACK, EPHEMERAL_STACK
from ..errors import AlertdrillError
from ..runtimes.base import ProgressCallback
from .client import Client
from .compare import CountSource
from .counts import CountCollector
from .lines import LogStore, Route, find_log_store
from .report import CompletedStep, Report
from .schedule import RequestScheduler, Step, plan_steps, rounds_that_fit, step_positions

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


def run_audit(
    context: AuditContext, route: Route, *, requests: int, rate: float, rounds: int | None = None
) -> Report:
    """Send the requests, perform the steps, wait and compare the counts.

    `rate` is per second; without `rounds` there are as many rounds of steps as fit.
    """
    runtime = context.runtime
    rounds = rounds_that_fit(requests, rate) if rounds is None else rounds
    audit = _Audit(context, route, RequestScheduler(requests, rate))
    notes = [*context.notes, describe_store(audit.store)]
    context.progress.note(notes[-1])
    audit.collector.record_baseline()
    steps = audit.send_requests(rounds)
    sources = audit.count()
    return Report(
        began=context.record.began,
        ended=time.time(),
        runtime=runtime.name,
        stack=EPHEMERAL_STACK if runtime.ephemeral else CURRENT_STACK,
        store=audit.store.name if audit.store else None,
        requests=requests,
        rate=rate,
        rounds=rounds,
        steps=steps,
        failures=audit.client.failures,
        retries=audit.collector.retries(),
        sources=sources,
        notes=notes,
    )


def describe_store(store: LogStore | None) -> str:
    """Return which store receives the lines."""
    if store is None:
        return "No collector with Loki runs: lines are counted in the log files only."
    if store.name == "Loki":
        return "The collector sends the lines to Loki."
    return "Loki is not installed: a fake of Loki receives the collector's lines."


class _Audit:
    """The client of one run, and the sources that count its requests."""

    def __init__(self, context: AuditContext, route: Route, scheduler: RequestScheduler) -> None:
        self._runtime = runtime = context.runtime
        self._services = route.services
        self._scheduler = scheduler
        self._on_progress = context.progress.note
        self._prefix = prefix = f"audit-{secrets.token_hex(4)}"
        self._running = {item.service for item in runtime.status() if item.pid is not None}
        self.store = find_log_store(runtime, self._running, route, prefix)
        self.collector = CountCollector(runtime, route, prefix, self.store)
        self.client = Client(
            runtime.addresses()["Services"],
            route,
            prefix,
            scheduler,
            lambda failure: self._on_progress(f"{failure.id} failed: {failure.error}"),
        )

    def send_requests(self, rounds: int) -> Sequence[CompletedStep]:
        """Send all requests while the steps are performed; restore the scale of a kept stack."""
        scales = self._replica_counts()
        steps = plan_steps(scales, self._running, rounds)
        total, rate = self._scheduler.total, self._scheduler.rate
        self._on_progress(f"sending {total} requests {self._prefix}-… at {rate:g} per second")
        try:
            self.client.start()
            done = self._perform(steps)
            self.client.finish()
        finally:
            self._scheduler.stop()
            if not self._runtime.ephemeral:
                self._restore_replicas(scales)
        return done

    def count(self) -> Sequence[CountSource]:
        """Return the count of every source, once it is stable."""
        self.collector.lines.read()
        wait_until_stable(lambda: self.collector.sources(self.client), self._on_progress)
        self.collector.lines.read()
        return self.collector.sources(self.client)

    def _perform(self, steps: Sequence[Step]) -> Sequence[CompletedStep]:
        """Perform each step at its position; return when all requests are sent."""
        done = []
        scheduler = self._scheduler
        positions = step_positions(scheduler.total, len(steps))
        for step, (begins, ends) in zip(steps, pairwise(positions), strict=True):
            self._wait_for_requests(begins)
            after, begun = scheduler.sent, time.monotonic()
            self._on_progress(f"after {after} requests: {step} …")
            with scheduler.slow_down(until=ends):
                if step.count is None:
                    self._runtime.restart(step.target)
                else:
                    self._runtime.scale(step.target, step.count, lambda _: None)
            seconds = round(time.monotonic() - begun, 1)
            done.append(CompletedStep(str(step), after, seconds))
            sent = scheduler.sent - after
            self._on_progress(f"{step}: done in {seconds} s, {sent} requests sent")
        self._wait_for_requests(scheduler.total)
        return done

    def _wait_for_requests(self, count: int) -> None:
        """Wait for `count` requests, and read the lines before rotation drops them."""
        while (sent := self._scheduler.sent) < count:
            batch = sent // READ_EVERY_REQUESTS
            self._scheduler.wait_until_sent(min(count, (batch + 1) * READ_EVERY_REQUESTS))
            if self._scheduler.sent // READ_EVERY_REQUESTS > batch:
                self.collector.lines.read()

    def _replica_counts(self) -> Mapping[str, int]:
        active = [item.service for item in self._runtime.status() if item.state != "standby"]
        return {service: active.count(service) for service in self._services}

    def _restore_replicas(self, scales: Mapping[str, int]) -> None:
        """Restore the number of replicas, also after an interrupted run."""
        now = self._replica_counts()
        for service, count in scales.items():
            if now[service] != count:
                self._runtime.scale(service, count, lambda _: None)


def wait_until_stable(
    read_sources: Callable[[], Sequence[CountSource]], on_progress: ProgressCallback
) -> Sequence[CountSource]:
    """Return the counts once all are exact, or none changes any more.

    Reports each change of what differs; raises the error of a source that still fails.
    """
    begun = changed = time.monotonic()
    last: object = None
    while True:
        started = time.monotonic()
        sources: Sequence[CountSource] = ()
        error: AlertdrillError | None = None
        try:
            sources = read_sources()
        except AlertdrillError as failure:
            error = failure
        now = time.monotonic()
        if (sources, str(error)) != last:
            last, changed = (sources, str(error)), now
            on_progress(f"waiting: {error}" if error else pending_message(sources))
        unchanged = now - changed
        exact = error is None and all(source.exact for source in sources)
        stable = (exact and unchanged >= STABLE_S) or unchanged >= UNCHANGED_TIMEOUT_S
        if stable or now - begun >= TIMEOUT_S:
            if error:
                raise error
            return sources
        time.sleep(min(max(MIN_POLL_INTERVAL_S, now - started), MAX_POLL_INTERVAL_S))


def pending_message(sources: Sequence[CountSource]) -> str:
    """Return which sources differ."""
    off = [f"{source.name} {source.difference:+}" for source in sources if not source.exact]
    return (
        f"waiting for {', '.join(off)}" if off else "all counts agree; waiting for late duplicates"
    )
