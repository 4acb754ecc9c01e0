"""A change of apps/services.yml is applied to a running stack without losing a request."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from tests.e2e.repository_copy import (
    RepositoryCopy,
    copy_repository,
    ending,
    stack_of_copy,
)
from tests.e2e.stack import TIMEOUT_S, poll_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(TIMEOUT_S)]
APPLICATION = '''"""A small service."""

from flask import Flask

from alertdrill_telemetry import init_app


def create_app():
    app = Flask(__name__)
    init_app(app, service="orders")

    @app.get("/orders")
    def orders():
        return {"orders": 1}

    return app
'''
DECLARATION = """
orders:
  port: 5003
  public: [/orders]
  objective: {availability: 0.99, latency: 500ms}
  limits: {memory: 256MiB, series: 1000}
"""
ROWS = [{"mass": 3750, "bill": 39.1}]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RepositoryCopy]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        # At this speed an instance that is replaced is down for long enough to be healed.
        patch.setenv("HEALING", "off")
        copied = stack_of_copy(copy_repository(tmp_path_factory.mktemp("copy")), home)
    with ending(copied):
        copied.alertdrill("up")
        yield copied


@contextmanager
def clients(copy: RepositoryCopy, counts: Counter[object]) -> Iterator[None]:
    """Send requests meanwhile, half of them through both services; count the answers."""
    ended = threading.Event()

    def send(number: int) -> None:
        session = requests.Session()
        while not ended.wait(0.05):
            try:
                if number % 2:
                    response = session.post(copy.url("lb", "/process"), json=ROWS, timeout=20)
                else:
                    response = session.get(copy.url("lb"), timeout=20)
                counts[response.status_code] += 1
            except requests.RequestException as error:
                counts[repr(error)] += 1

    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def change(copy: RepositoryCopy, old: str, new: str) -> Counter[object]:
    """Change the declarations under load; return what the clients got."""
    file, counts = copy.root / "apps/services.yml", Counter[object]()
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with clients(copy, counts):
        copy.alertdrill("up")
    return counts


def pids(copy: RepositoryCopy) -> dict[str, object]:
    return {name: instance["pid"] for name, instance in copy.instances().items()}


def test_new_service_gets_requests_and_nothing_else_restarts(copy: RepositoryCopy) -> None:
    (copy.root / "apps/orders").mkdir()
    (copy.root / "apps/orders/__init__.py").write_text(APPLICATION)
    before = pids(copy)
    counts = change(
        copy, "# The service behind web", f"{DECLARATION.lstrip()}\n# The service behind web"
    )
    assert counts.keys() == {200}
    assert requests.get(copy.url("lb", "/orders"), timeout=5).json() == {"orders": 1}
    after = pids(copy)
    kept = ("web", "data-service", "lb", "prometheus", "alertmanager", "responder")
    assert {name: pid for name, pid in before.items() if name.rpartition("-")[0] in kept} == {
        name: pid for name, pid in after.items() if name.rpartition("-")[0] in kept
    }


def test_changed_service_is_replaced(copy: RepositoryCopy) -> None:
    before = pids(copy)
    counts = change(copy, "  port: 5001\n", "  port: 5001\n  threads: 6\n")
    assert counts.keys() == {200}
    after = pids(copy)
    assert before["data-service-1"] != after["data-service-1"]
    assert before["web-1"] == after["web-1"]


def test_changed_objective_is_the_one_of_the_rules(copy: RepositoryCopy) -> None:
    before = pids(copy)
    counts = change(
        copy, "availability: 0.99, latency: 500ms", "availability: 0.95, latency: 500ms"
    )
    assert counts.keys() == {200}
    query = 'service:objective:ratio{service="orders"} or service:objective:ratio{service="web"}'
    poll_until(lambda: 0.95 in {float(row["value"][1]) for row in copy.query(query)}, "it", 60)
    assert before["web-1"] == pids(copy)["web-1"]


def test_removed_service_is_gone(copy: RepositoryCopy) -> None:
    file = copy.root / "apps/services.yml"
    text = file.read_text()
    begin = text.index("orders:\n")
    counts = change(copy, text[begin : text.index("# The service behind web")], "")
    assert counts.keys() == {200}
    assert requests.get(copy.url("lb", "/orders"), timeout=5).status_code == 404
    assert not [name for name in copy.instances() if name.startswith("orders")]
