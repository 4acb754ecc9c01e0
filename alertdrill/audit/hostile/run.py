"""Run the hostile audit: send every input, follow the lines, then compare all counts."""

from __future__ import annotations

import itertools
import queue
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from ...clients.http import UnreachableError, get_json, request
from ...config.services import SERVICES
from ...drills.context import AuditContext
from ...drills.session import CURRENT_STACK, EPHEMERAL_STACK
from ...runtimes.base import ProgressCallback, StackRuntime, running_ops_addresses
from ...runtimes.config_files import FRONTENDS
from ..client import AuditError
from ..counts import REQUESTS, SAMPLE
from ..report import CountSource, compare_count
from .client import Client, Outcome
from .inputs import Input, operations
from .kinds import Generator
from .ledger import Finding, Ledger
from .matching import PUBLIC
from .report import HostileReport, Offender

SETTLE_INTERVAL_S = 1.0
NOTE_INTERVAL_S = 10.0
# The blackbox probe sends a request every five seconds, so two readings a second apart agree soon.
QUIET_S, MAX_TRIES = 1.0, 30
# The longest that a client may wait, and its lines after that.
END_TIMEOUT_S = 120.0
# A thousand failures have one cause; the rest of the run would only repeat it.
MAX_FAILURES = 1000
TIMEOUT_S = 5.0
SERVED = re.compile(r"^flask_http_request_total\{[^}]*\} ([0-9.e+]+)$", re.MULTILINE)

# An outcome, or a batch of lines.
Event = Outcome | list[tuple[str, str]]


class LineReader:
    """Follows the log files of a stack in a thread, and passes batches of lines on."""

    def __init__(self, runtime: StackRuntime, events: queue.SimpleQueue[Event]) -> None:
        batches = runtime.follow(None, 0)
        list(next(batches))  # what was there before
        self._thread = threading.Thread(target=self._read, args=(batches, events), daemon=True)
        self._thread.start()

    def _read(
        self, batches: Iterator[Iterable[tuple[str, str]]], events: queue.SimpleQueue[Event]
    ) -> None:
        for batch in batches:
            if lines := list(batch):
                events.put(lines)


class HostileAudit:
    """The state of a run: its events and its ledger."""

    def __init__(self, runtime: StackRuntime, note: ProgressCallback) -> None:
        self._runtime = runtime
        self._note = note
        self.url = runtime.addresses()["Services"]
        # The lines of containers have the address of the engine's proxy.
        host = urlsplit(self.url).hostname or ""
        self.own_addresses = runtime.name == "native" and host.startswith("127.")
        self.ledger = Ledger(SERVICES, self.own_addresses)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._reader = LineReader(runtime, self._events)
        self._before = self._quiet_counts()
        self.ledger.forget_requests()

    def send(self, inputs: Iterator[Input], rate: float | None) -> float:
        """Send inputs; return the seconds until each has its outcome, once its lines are here."""
        stopped = threading.Event()
        stoppable = itertools.takewhile(lambda _: not stopped.is_set(), inputs)
        client = Client(self.url, stoppable, self.own_addresses, self._events.put, rate)
        begun = noted = time.monotonic()
        client.start()
        while client.is_running():
            self._take_events(SETTLE_INTERVAL_S)
            kept = self.ledger.settle(time.monotonic()) + len(self.ledger.failures)
            if kept > MAX_FAILURES and not stopped.is_set():
                self._note(f"stopping early: {kept} failures")
                stopped.set()
            if (now := time.monotonic()) - noted >= NOTE_INTERVAL_S:
                noted, sent = now, self.ledger.outcomes
                self._note(f"{sent} inputs, {sent / (now - begun):.0f} per second, {kept} failures")
        seconds = time.monotonic() - begun
        self._wait_for_lines()
        return seconds

    def _take_events(self, seconds: float) -> None:
        """Pass the events of some seconds to the ledger."""
        until = time.monotonic() + seconds
        while (remaining := until - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=remaining)
            except queue.Empty:
                return
            now = time.monotonic()
            if isinstance(event, Outcome):
                self.ledger.add_outcome(event, now)
                continue
            for _, line in event:
                self.ledger.add_line(line, now)

    def _wait_for_lines(self) -> None:
        deadline = time.monotonic() + END_TIMEOUT_S
        self._take_events(SETTLE_INTERVAL_S)
        while self.ledger.unexplained() and time.monotonic() < deadline:
            counts = self.ledger.line_counts.total()
            self._take_events(NOTE_INTERVAL_S)
            if self.ledger.line_counts.total() - counts < NOTE_INTERVAL_S:
                break  # only those of probes still arrive

    def counters(self) -> Sequence[CountSource]:
        """Return the increase of every counter, compared with the lines."""
        after = self._quiet_counts()
        growth = {key: count - self._before[key] for key, count in after.items()}

        def compare(name: str) -> CountSource:
            lines, counted = growth[name, "lines"], growth[name, "counter"]
            left = self.ledger.left if name == PUBLIC else 0
            return compare_count(f"counter of {name}", lines, counted, left)

        return [compare(name) for name in (*FRONTENDS, *SERVICES)]

    def _quiet_counts(self) -> Mapping[tuple[str, str], int]:
        """Return the counters and the numbers of lines at a moment at which none changes."""
        last: Mapping[tuple[str, str], int] = {}
        for _ in range(MAX_TRIES):
            counts = self._fetch_counters()
            self._take_events(QUIET_S)
            ledger = self.ledger
            counts |= {
                (name, "lines"): ledger.line_counts[name] for name in (*FRONTENDS, *SERVICES)
            }
            if counts == last:
                return counts
            last = counts
        raise AuditError("the counters do not stop changing: stop the other clients of this stack")

    def _fetch_counters(self) -> dict[tuple[str, str], int]:
        text = request(
            "GET", f"{self._runtime.address('lb-stats')}/metrics", timeout=TIMEOUT_S
        ).text
        samples = {(name, proxy): int(float(value)) for name, proxy, value in SAMPLE.findall(text)}
        counts = {(name, "counter"): samples[REQUESTS, name] for name in FRONTENDS}
        status = self._runtime.status()
        for service in SERVICES:
            pages = (
                request("GET", f"http://{address}/metrics", timeout=TIMEOUT_S).text
                for address in running_ops_addresses(service, status)
            )
            counts[service, "counter"] = sum(
                int(float(n)) for page in pages for n in SERVED.findall(page)
            )
        return counts


def read_document(url: str) -> dict[str, object]:
    """Return the OpenAPI document of the public services; raise `AuditError` without one."""
    try:
        document: dict[str, object] = get_json(f"{url.rstrip('/')}/openapi.json")
    except UnreachableError as error:
        raise AuditError(f"no OpenAPI document to generate inputs from: {error}") from error
    return document


def run_hostile(
    context: AuditContext,
    *,
    inputs: int,
    seed: int,
    rate: float | None = None,
    replay: Sequence[Input] = (),
) -> HostileReport:
    """Send the inputs of a seed, or those of `replay`, and match every answer with its lines."""
    runtime, note = context.runtime, context.progress.note
    audit = HostileAudit(runtime, note)
    generator = Generator(
        seed, f"hostile-{secrets.token_hex(4)}", operations(read_document(audit.url))
    )
    items = {item.number: item for item in replay}
    note(f"sending {len(items) or inputs} inputs of seed {seed}")
    seconds = audit.send(iter(replay) if replay else map(generator.make, range(inputs)), rate)
    findings: list[Finding] = [*audit.ledger.failures, *audit.ledger.unexplained()]
    expected = len(replay) or inputs
    if audit.ledger.outcomes < expected and not findings:  # with findings, it may stop early
        raise AuditError(
            f"only {audit.ledger.outcomes} of {expected} inputs were sent: see the error above"
        )
    counters = audit.counters()
    statuses: dict[str, Counter[int]] = {}
    for (kind, status), count in sorted(audit.ledger.responses.items()):
        statuses.setdefault(kind, Counter())[status] = count
    return HostileReport(
        began=context.record.began,
        ended=time.time(),
        runtime=runtime.name,
        stack=EPHEMERAL_STACK if runtime.ephemeral else CURRENT_STACK,
        seed=seed,
        inputs=audit.ledger.outcomes,
        rate=audit.ledger.outcomes / seconds,
        statuses=statuses,
        counters=counters,
        offenders=[
            Offender(
                finding.reason,
                None
                if finding.number is None
                else items.get(finding.number) or generator.make(finding.number),
                finding.lines,
            )
            for finding in findings
        ],
        notes=list(context.notes),
    )
