"""Send the cases of an application to a server, and keep everything that it answers and writes."""

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.foreign.cases import Case, request
from tests.foreign.http_client import Answer, exchange, parse
from tests.foreign.servers import (
    FAULTS_TOKEN,
    POLL_INTERVAL_S,
    Process,
    Server,
    serve,
)

# An application counts a request after the client has the answer; a client that goes away is
# noticed when the next chunk is written.
SETTLE_TIMEOUT_S = 5.0
# The operations paths, each with the headers that it needs.
OPERATIONS: Mapping[str, Sequence[tuple[str, str]]] = {
    "/healthz": (),
    "/readyz": (),
    "/metrics": (),
    "/faults": (("Authorization", f"Bearer {FAULTS_TOKEN}"),),
}
CONTINUE = 100  # an answer before the answer
REQUESTS = "flask_http_request_total"
IN_FLIGHT = "http_requests_in_flight"


@dataclass
class Recording:
    """What one run of the corpus gave: answers, scrapes, and the output of the server."""

    server: Server
    received: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    # What the random values of `Case.random` were when a case had its answer.
    random: dict[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    operations: dict[str, Answer] = field(default_factory=dict)
    exposition: str = ""
    stdout: str = ""
    stderr: str = ""

    def samples(self, name: str) -> list[tuple[Mapping[str, str], float]]:
        """Return the label values and the value of each sample in the last scrape."""
        return [
            (sample.labels, sample.value)
            for family in text_string_to_metric_families(self.exposition)
            for sample in family.samples
            if sample.name == name
        ]

    def sample(self, text: str) -> float | None:
        """Return the value of the sample `name{label="value"}`; None if it is not shown."""
        lines = (line.rpartition(" ") for line in self.exposition.splitlines())
        return next((float(value) for sample, _, value in lines if sample == text), None)

    def counted(self) -> Counter[int]:
        """Return how many requests were counted, by status."""
        counted: Counter[int] = Counter()
        for labels, value in self.samples(REQUESTS):
            counted[int(labels["status"])] += int(value)
        return counted


def record(application: str, cases: Sequence[Case], server: Server) -> Recording:
    """Serve an application, send all cases one after the other, and scrape it at the end."""
    recording = Recording(server)
    with tempfile.TemporaryDirectory(prefix=f"foreign-{application}-") as name:
        folder = Path(name)
        with serve(application, server, folder) as process:
            play(cases, process, recording)
            if server.bare:
                _operate(process, recording, cases)
        recording.stdout = process.stdout.read_text(errors="backslashreplace")
        recording.stderr = process.stderr.read_text(errors="backslashreplace")
    return recording


def play(cases: Sequence[Case], process: Process, recording: Recording) -> None:
    """Send all cases to a running server, one after the other, and keep the answers."""
    random: dict[str, Sequence[str]] = {}
    for case in cases:
        _play(case, process, recording, random)


def _play(
    case: Case, process: Process, recording: Recording, random: dict[str, Sequence[str]]
) -> None:
    data = _fill_in(case.data, random)
    received = exchange(process.port, data, case.steps, half_close=case.half_close)
    recording.received[case.name] = received
    recording.answers[case.name] = parse(received, case.methods)
    flags = re.DOTALL | re.IGNORECASE  # the names of headers have no case
    for name, pattern in case.random.items():
        if values := re.findall(pattern, received.decode("latin-1"), flags):
            random[name] = values
    recording.random[case.name] = dict(random)


def _fill_in(data: bytes, random: Mapping[str, Sequence[str]]) -> bytes:
    """Put earlier values where a request has `{{name}}`, and correct the length of its body."""
    head, separator, body = data.partition(b"\r\n\r\n")
    length = len(body)
    for name, values in random.items():
        place, value = b"{{%s}}" % name.encode(), values[0].encode("latin-1")
        head, body = (part.replace(place, value) for part in (head, body))
    if len(body) != length:
        head = re.sub(rb"(?<=\r\nContent-Length: )\d+", b"%d" % len(body), head)
    return head + separator + body


def _operate(process: Process, recording: Recording, cases: Sequence[Case]) -> None:
    """Ask every operations endpoint, then scrape until all requests are counted."""
    for path, headers in OPERATIONS.items():
        recording.operations[path] = ask(process.port, path, headers)
    expected = sum(len(expected_statuses(case, recording)) + len(case.nested) for case in cases)

    def settled() -> bool:
        answer = ask(process.port, "/metrics")
        recording.exposition = answer.body.decode() if answer.status == 200 else ""
        try:
            in_flight = sum(value for _, value in recording.samples(IN_FLIGHT))
            return in_flight == 0 and recording.counted().total() >= expected
        except ValueError:
            return True  # no exposition: the checks say so

    wait_for(settled)


def ask(port: int, path: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """Send a GET request as a probe does, with an address that is in no list of trusted hosts."""
    data = request("GET", path, [("Host", f"127.0.0.1:{port}"), *headers])
    return parse(exchange(port, data), ["GET"])[-1]


def expected_statuses(case: Case, recording: Recording) -> list[int | None]:
    """Return the status of each request that telemetry counts: the client's; None is any.

    Requests that a view makes are not among them.
    """
    if case.counted is not None:
        return list(case.counted)
    return [answer.status for answer in recording.answers[case.name] if answer.status != CONTINUE]


def count_problems(
    counted: Counter[int], cases: Sequence[Case], recording: Recording
) -> Iterator[str]:
    """Describe how the requests that were counted differ from those that the clients made."""
    expected = Counter(
        status for case in cases for status in (*expected_statuses(case, recording), *case.nested)
    )
    of_any_status = expected.pop(None, 0)
    surplus = 0
    for status in sorted({*filter(None, expected), *counted}):
        more = counted[status] - expected[status]
        surplus += more
        if more < 0 or (more and not of_any_status):
            yield f"{counted[status]} requests with status {status}, {expected[status]} answers"
    if surplus != of_any_status:
        yield f"{counted.total()} requests, the clients made {expected.total() + of_any_status}"


def wait_for(condition: Callable[[], bool]) -> None:
    """Block until a condition holds; the check that follows tells if it does not."""
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(POLL_INTERVAL_S)
