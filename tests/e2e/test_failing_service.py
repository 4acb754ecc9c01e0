"""Counts agree also for an application that breaks in every way: hooks, streams, killed workers."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import psutil
import pytest

from alertdrill.clients.prometheus import counter_increase
from tests.e2e.repository_copy import RepositoryCopy, copy_repository, stack_of_copy
from tests.e2e.stack import TIMEOUT_S, leftovers, native_only, poll_until

pytestmark = [pytest.mark.stack, native_only, pytest.mark.timeout(TIMEOUT_S)]
SERVICE = "failing"
APPLICATION = '''"""An application that fails in every way."""

import time

from flask import Flask, Response, g

from alertdrill_telemetry import init_app


def create_app():
    app = Flask(__name__)
    init_app(app, service="failing")

    @app.get("/failing/<kind>")
    def answer(kind):
        g.kind = kind
        if kind == "view":
            raise RuntimeError("no view")
        return Response(parts(kind)) if kind in STREAMS else kind

    def fails_at(name):
        def hook(response):
            if g.get("kind") == name:
                raise RuntimeError(f"no {name}")
            return response

        return hook

    app.after_request(fails_at("after"))
    app.teardown_request(fails_at("teardown"))
    app.teardown_appcontext(fails_at("appcontext"))
    return app


STREAMS = ("stream", "first", "broken", "slow")


def parts(kind):
    if kind == "first":
        raise RuntimeError("no first part")
    for number in range(3):
        if kind == "broken" and number == 2:
            raise RuntimeError("no third part")
        yield str(number)
        if kind == "slow":
            time.sleep(60)
'''
DECLARATION = """
failing:
  port: 5003
  public: [/failing]
  objective: {availability: 0.99, latency: 500ms}
  limits: {memory: 256MiB, series: 1000}
"""
# What a client gets of each path: the status, and whether the response is complete.
EXPECTED = {
    "fine": (200, True),
    "stream": (200, True),
    "broken": (200, False),
    "first": (500, True),
    "view": (500, True),
    "after": (500, True),
    "teardown": (500, True),
    "appcontext": (500, True),
}
# Of each kind.
REQUESTS = 25


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RepositoryCopy]:
    """Start a copy of the stack that has the service, and stop it."""
    root = copy_repository(tmp_path_factory.mktemp("copy"))
    folder = root / "apps" / SERVICE
    folder.mkdir()
    (folder / "__init__.py").write_text(APPLICATION)
    with (root / "apps/services.yml").open("a") as file:
        file.write(DECLARATION)
    home = tmp_path_factory.mktemp("home")
    stack = stack_of_copy(root, home)
    try:
        stack.alertdrill("up")
        yield stack
    finally:
        stack.alertdrill("down", check=False)
    left = leftovers(stack)
    assert not left, f"`down` left something running: {left}"


def get(stack: RepositoryCopy, kind: str) -> tuple[int, bool]:
    """Return what a client gets through the load balancer: 0 if there is no status."""
    address = stack.url("lb").removeprefix("http://")
    with closing(http.client.HTTPConnection(address, timeout=15)) as connection:
        try:
            connection.request("GET", f"/{SERVICE}/{kind}")
            response = connection.getresponse()
        except (http.client.HTTPException, OSError):
            return 0, False
        try:
            response.read()
        except (http.client.HTTPException, OSError):
            return response.status, False
        return response.status, True


def workers_of(stack: RepositoryCopy) -> set[psutil.Process]:
    """Return the worker processes of all instances of the service."""
    return {
        worker
        for instance in stack.instances().values()
        if instance["service"] == SERVICE and instance["pid"]
        for worker in psutil.Process(instance["pid"]).children()
    }


class Counts:
    """What each source has counted of the service, since the object was created."""

    def __init__(self, stack: RepositoryCopy) -> None:
        self._stack = stack
        stack.wait_for_scrape()
        self._begun = time.time()

    def increase(self, metric: str, labels: str) -> int:
        """Return how much a counter has grown."""
        return counter_increase(
            self._stack.query(f"{metric}{{{labels}}}[1h]"),
            self._stack.query("process_start_time_seconds[1h]"),
            self._begun,
        )

    def served(self, **labels: str) -> int:
        """Return how many requests the service has counted."""
        selected = "".join(f',{name}="{value}"' for name, value in labels.items())
        return self.increase("flask_http_request_total", f'service="{SERVICE}"{selected}')

    def lines(self) -> Counter[tuple[str, int, bool]]:
        """Return the access lines: the kind, the status, and whether nothing broke off."""
        return Counter(
            (
                line["path"].rpartition("/")[2],
                line["status"],
                line["status"] >= 500 or "error" not in line,
            )
            for line in self._stack.access_lines(SERVICE)
            if datetime.fromisoformat(line["timestamp"]).timestamp() >= self._begun
        )


def test_every_source_counts_what_the_client_got(stack: RepositoryCopy) -> None:
    counts = Counts(stack)
    got = Counter((kind, *get(stack, kind)) for _ in range(REQUESTS) for kind in EXPECTED)
    assert got == {(kind, *answer): REQUESTS for kind, answer in EXPECTED.items()}
    assert counts.lines() == got

    stack.wait_for_scrape()
    for status in (200, 500):
        answers = sum(number for (_, code, _), number in got.items() if code == status)
        code = f'proxy="{SERVICE}",code="{status // 100}xx"'
        assert counts.served(status=str(status)) == answers
        assert counts.increase("haproxy_backend_http_responses_total", code) == answers
    broken = f'service="{SERVICE}",status="200"'
    assert counts.increase("flask_http_request_exceptions_total", broken) == REQUESTS
    aborts = f'proxy="{SERVICE}"'
    assert counts.increase("haproxy_backend_server_aborts_total", aborts) == REQUESTS
    assert stack.total(f'sum(http_requests_in_flight{{service="{SERVICE}"}})') == 0


def test_killed_workers_miss_no_more_than_they_had_in_flight(stack: RepositoryCopy) -> None:
    counts, in_flight = Counts(stack), 4
    before = [get(stack, "fine") for _ in range(REQUESTS)]
    stack.wait_for_scrape()  # what was counted before its last scrape is not lost
    cut: list[tuple[int, bool]] = []
    clients = [
        threading.Thread(target=lambda: cut.append(get(stack, "slow"))) for _ in range(in_flight)
    ]
    for client in clients:
        client.start()
    gauge = f'sum(http_requests_in_flight{{service="{SERVICE}"}})'
    poll_until(lambda: stack.total(gauge) == in_flight, "the requests in flight", 15)
    workers = workers_of(stack)
    for worker in workers:
        worker.kill()
    for client in clients:
        client.join()
    assert cut == [(200, False)] * in_flight
    poll_until(lambda: len(workers_of(stack) - workers) == len(workers), "a new worker of each", 15)
    after = [get(stack, "fine") for _ in range(REQUESTS)]
    assert before == after == [(200, True)] * REQUESTS

    stack.wait_for_scrape()
    # The killed requests had not ended.
    assert counts.lines() == {("fine", 200, True): 2 * REQUESTS}
    assert stack.total(gauge) == 0
    assert counts.served() == 2 * REQUESTS
    aborts = f'proxy="{SERVICE}"'
    assert counts.increase("haproxy_backend_server_aborts_total", aborts) == in_flight
