"""`alertdrill logs` finds the same lines in Loki and in the log files, in the same order."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import threading
from typing import Any
from urllib.parse import quote

import pytest
import requests

from alertdrill.config import ROOT
from alertdrill.config.settings import load
from alertdrill.logs import search
from alertdrill.logs.query import Query
from alertdrill.logs.search import Origin, Search
from alertdrill.runtimes.select import select_stack_runtime
from tests.e2e.stack import Stack, poll_until

pytestmark = pytest.mark.stack
# The collector sends a batch every second; the rest is for a busy machine.
TIMEOUT_S = 20
# What one request through the load balancer leaves: two lines of data-service, one of web, and two
# of the load balancer, which is also between the two.
LINES_EACH = 5
# Characters that LogQL, regular expressions or templates could interpret.
SPECIAL = '"a\\b`{{.}}|(é?$'


@pytest.fixture(params=["files", pytest.param("loki", marks=pytest.mark.loki)])
def source(request: pytest.FixtureRequest, stack: Stack) -> str:
    if request.param == "loki":
        need_loki(stack)
    return str(request.param)


def need_loki(stack: Stack) -> None:
    if not {"loki-1", "collector-1"} <= stack.instances().keys():
        pytest.skip("Loki and the collector do not run")


def find_lines(stack: Stack, *arguments: str) -> list[dict[str, Any]]:
    """Return the lines that a search finds."""
    output = stack.alertdrill("logs", "--json", *arguments).stdout
    return [json.loads(line) for line in output.splitlines()]


def send(stack: Stack, mark: str, trace: str = "") -> None:
    """Send one request through all services."""
    trace = trace or secrets.token_hex(16)
    headers = {"X-Request-ID": mark, "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
    answer = requests.post(
        stack.url("lb", "/process"), json=[{"x": 1}], headers=headers, timeout=10
    )
    assert answer.status_code == 200


def test_trace_is_found_in_order(stack: Stack, source: str) -> None:
    trace = secrets.token_hex(16)
    send(stack, "traced", trace)
    lines = poll_until(
        lambda: (
            lines
            if len(lines := find_lines(stack, "--trace", trace, "--from", source)) == LINES_EACH
            else []
        ),
        "every line of the trace",
        TIMEOUT_S,
    )
    order = [(line["service"], line.get("frontend")) for line in lines]
    assert order == [
        *[("data-service", None)] * 2,
        ("lb", "internal"),
        ("web", None),
        ("lb", "public"),
    ]
    assert {line["trace_id"] for line in lines} == {trace}


def test_line_is_found_by_each_field(stack: Stack, source: Origin) -> None:
    mark = f"found-{secrets.token_hex(4)}"
    requests.get(
        stack.url("lb", f"/{mark}/{quote(SPECIAL)}"),
        headers={"X-Request-ID": mark},
        timeout=10,
    )
    here = ("web", "--since", "5m", "--from", source)
    [line] = poll_until(lambda: find_lines(stack, *here, "--grep", mark), "the line", TIMEOUT_S)
    assert line["path"] == f"/{mark}/{SPECIAL}"
    runtime = select_stack_runtime(load(stack.environment), lambda _: None)
    for name in line.keys() - {"timestamp", "message"}:
        if line[name] is not None:
            value = str(line[name]).removesuffix(".0")  # as Loki keeps a whole number
            query = Query(text=f"{name}={value}")
            groups = search.search_logs(
                runtime, Search(query, "web", origin=source), lambda _: None
            )
            assert line in [record.as_dict() for group in groups for record in group], name
    assert find_lines(stack, *here, "--grep", f"{mark}/{SPECIAL}") == [line]
    assert find_lines(stack, *here, "--grep", mark, "--level", "info") == [line]
    assert find_lines(stack, *here, "--grep", mark, "--level", "warning") == []
    assert find_lines(stack, "lb", *here[1:], "--grep", f"path=/{mark}/{SPECIAL}") == []


def test_empty_search_is_reported(stack: Stack, source: str) -> None:
    completed = stack.alertdrill("logs", "--from", source, "--grep", secrets.token_hex(16))
    assert completed.stdout == ""
    assert completed.stderr.splitlines()[-1] == "· no lines match"


class Follower:
    """A running `alertdrill logs --follow`."""

    def __init__(self, stack: Stack, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "alertdrill", "logs", "--follow", "--json", *arguments],
            cwd=ROOT,
            env={**stack.environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []
        self.progress = ""
        assert self.process.stderr
        while "from" not in self.progress:  # it prints the source once the existing lines are read
            assert self.process.poll() is None, self.progress
            self.progress += self.process.stderr.readline()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def end(self) -> int:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(20)
        finally:
            self.process.kill()  # a process that does not end fails the test
        self._reader.join()
        assert self.process.stdout
        assert self.process.stderr
        self.process.stdout.close()
        self.process.stderr.close()
        return code


def test_followed_lines_are_shown_once(stack: Stack, source: str) -> None:
    mark = f"follow-{secrets.token_hex(4)}"
    send(stack, f"{mark}-before")
    here = ("--from", source, "--since", "5m", "--grep", mark)
    poll_until(
        lambda: len(find_lines(stack, *here)) == LINES_EACH, "the lines of before", TIMEOUT_S
    )
    follower = Follower(stack, "--from", source, "-n", "0", "--grep", mark)
    try:
        for number in range(50):
            send(stack, f"{mark}-{number:02d}")
        poll_until(
            lambda: len(follower.lines) >= 50 * LINES_EACH, "each line of 50 requests", TIMEOUT_S
        )
    finally:
        code = follower.end()
    assert code == 130
    followed = sorted((line["request_id"], line["service"]) for line in follower.lines)
    services = ["data-service", "data-service", "lb", "lb", "web"]
    assert followed == [
        (f"{mark}-{number:02d}", service) for number in range(50) for service in services
    ]


@pytest.mark.loki
def test_both_sources_have_the_same_lines(stack: Stack) -> None:
    need_loki(stack)
    mark = f"same-{secrets.token_hex(4)}"
    for number in range(200):
        send(stack, f"{mark}-{number}")
    search = ("logs", "--since", "5m", "--grep", mark)
    count = 200 * LINES_EACH
    poll_until(
        lambda: stack.alertdrill(*search, "--from", "loki").stdout.count("\n") >= count,
        "every line in Loki",
        TIMEOUT_S,
    )
    for form in ([], ["--json"]):
        from_loki, from_files = (
            stack.alertdrill(*search, *form, "--from", where).stdout.split("\n")
            for where in ("loki", "files")
        )
        assert len(from_files) == count + 1
        assert from_loki == from_files


@pytest.mark.loki
def test_frozen_loki_is_replaced_by_the_files(stack: Stack) -> None:
    need_loki(stack)
    mark = f"silent-{secrets.token_hex(4)}"
    stack.alertdrill("pause", "loki")
    try:
        send(stack, mark)
        completed = stack.alertdrill("logs", "web", "--grep", mark)
    finally:
        stack.alertdrill("resume", "loki")
    assert "from the log files: Loki is paused" in completed.stderr
    assert completed.stdout.count("\n") == 1
