"""Read what an instrumented run wrote to stdout, against the contract of the log lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.foreign.cases import Case
from tests.foreign.recording import Recording, count_problems, expected_statuses
from tests.foreign.servers import SERVICE

ACCESS = "access"
FIELDS = (
    *("timestamp", "level", "logger", "message", "service", "instance", "version"),
    *("trace_id", "span_id", "request_id"),
)
ACCESS_FIELDS = ("method", "route", "path", "status", "duration_ms", "client")

Line = Mapping[str, Any]


def read_lines(stdout: str) -> tuple[list[Line], list[str]]:
    """Return the lines that are JSON objects, and those that are not."""
    objects: list[Line] = []
    others: list[str] = []
    for text in stdout.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if isinstance(line, dict):
            objects.append(line)
        else:
            others.append(text)
    return objects, others


def contract_violations(lines: Sequence[Line]) -> Iterator[str]:
    """Describe each line that lacks a field of the contract."""
    for line in lines:
        needed = (*FIELDS, *(ACCESS_FIELDS if line.get("logger") == ACCESS else ()))
        if missing := [name for name in needed if name not in line]:
            yield f"no {', '.join(missing)}: {line}"
        elif line["service"] != SERVICE:
            yield f"another service: {line}"


def access_line_problems(cases: Sequence[Case], recording: Recording) -> Iterator[str]:
    """Describe what is wrong with the access lines: one a request, with the client's status."""
    lines = [line for line in read_lines(recording.stdout)[0] if line.get("logger") == ACCESS]
    by_request: dict[str, list[Line]] = {}
    for line in lines:
        by_request.setdefault(str(line.get("request_id")), []).append(line)
    for case in cases:
        if case.sends_request_id:
            yield from _problems_of_case(case, by_request.get(case.name, []), recording)
    for case in cases:  # also the ids that the client did not choose
        for answer in [] if case.own_request_id else recording.answers[case.name]:
            for request_id in answer.values("X-Request-ID"):
                if request_id not in by_request:
                    yield f"{case.name}: no access line has the answer's request id {request_id}"
    written = Counter(int(line.get("status") or 0) for line in lines)
    for problem in count_problems(written, cases, recording):
        yield f"access lines: {problem}"


def _problems_of_case(case: Case, lines: Sequence[Line], recording: Recording) -> Iterator[str]:
    expected = expected_statuses(case, recording)
    written = sorted(int(line.get("status") or 0) for line in lines)
    # A nested request may have the id of the request around it.
    if None in expected:
        is_right = len(written) == len(expected)
    else:
        possible = (expected, [*expected, *case.nested])
        is_right = written in [sorted(filter(None, statuses)) for statuses in possible]
    if not is_right:
        yield f"{case.name}: access lines with {written}, the client got {expected}"
        return
    complete = all(answer.complete for answer in recording.answers[case.name])
    for line in lines:
        if case.breaks == "with an error" and not complete and line.get("level") != "ERROR":
            yield f"{case.name}: the answer broke off, and its access line is no error: {line}"
        if float(line.get("duration_ms", 0)) < case.min_duration_ms:
            yield f"{case.name}: {line['duration_ms']} ms, the answer took {case.min_duration_ms}"


def message_problems(cases: Sequence[Case], recording: Recording) -> Iterator[str]:
    """Describe each message of the application that is not on exactly one line."""
    messages = Counter(str(line.get("message")) for line in read_lines(recording.stdout)[0])
    for case in cases:
        for message in case.logs:
            if messages[message] != 1:
                yield f"{case.name}: {messages[message]} lines with the message {message!r}"
