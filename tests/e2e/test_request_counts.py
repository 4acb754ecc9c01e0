"""Counts agree: the client, the load balancer, Prometheus and the logs count the same."""

from __future__ import annotations

import json
import random
import string
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
import requests

from alertdrill.clients.prometheus import counter_increase
from alertdrill.config import ROOT
from tests.e2e.stack import Stack, poll_until

pytestmark = pytest.mark.stack


class Counts:
    """The requests to `/process` that each source has counted since the object was created."""

    sources = tuple(
        f"{source}: {service}"
        for source in ("logs", "Prometheus")
        for service in ("lb", "web", "data-service")
    )

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        stack.wait_for_scrape()
        self._begun = time.time()

    def _lines(self, service: str, **fields: str) -> int:
        """Count the lines by their own time: older ones may be gone by a rotation."""
        return sum(
            datetime.fromisoformat(line["timestamp"]).timestamp() >= self._begun
            for line in self._stack.access_lines(service, path="/process", **fields)
        )

    def since(self) -> dict[str, int]:
        """Return the growth of each count."""
        self._stack.wait_for_scrape()
        return {
            "logs: lb": self._lines("lb", frontend="public"),
            "logs: web": self._lines("web"),
            "logs: data-service": self._lines("data-service"),
            "Prometheus: lb": self._growth(
                "haproxy_backend_http_requests_total", 'proxy="data-service"'
            ),
            "Prometheus: web": self._served("web"),
            "Prometheus: data-service": self._served("data-service"),
        }

    def _served(self, service: str) -> int:
        labels = f'service="{service}",url_rule="/process"'
        return self._growth("flask_http_request_duration_seconds_count", labels)

    def _growth(self, metric: str, labels: str) -> int:
        return counter_increase(
            self._stack.query(f"{metric}{{{labels}}}[1h]"),
            self._stack.query("process_start_time_seconds[1h]"),
            self._begun,
        )


def locust(stack: Stack, users: int, seconds: int) -> dict[str, int]:
    """Run Locust against the load balancer; return the numbers of requests and failures."""
    completed = subprocess.run(
        [
            *(sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("locustfile.py"))),
            *("--headless", "--users", str(users), "--spawn-rate", str(users), "--only-summary"),
            *("--run-time", f"{seconds}s", "--stop-timeout", "30", "--json", "--loglevel", "ERROR"),
            *("--host", stack.url("lb")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + 90,
        check=False,
    )
    [row] = json.loads(completed.stdout)
    return {"requests": row["num_requests"], "failures": row["num_failures"]}


@pytest.mark.timeout(240)
def test_200_clients_for_a_minute(stack: Stack) -> None:
    counts = Counts(stack)
    client = locust(stack, users=200, seconds=60)
    assert client["failures"] == 0
    assert client["requests"] > 1000  # otherwise the test proves nothing
    assert counts.since() == dict.fromkeys(counts.sources, client["requests"])


def test_scaling_and_restarts_lose_nothing(stack: Stack) -> None:
    counts = Counts(stack)
    results: list[dict[str, int]] = []
    clients = threading.Thread(target=lambda: results.append(locust(stack, users=10, seconds=35)))
    clients.start()
    try:
        stack.alertdrill("scale", "web=3", "data-service=3")
        # Two scrape intervals, and what a slow machine adds.
        poll_until(stack.scrapes_everything, "the new instances to be scraped", 15)
        stack.alertdrill("scale", "data-service=1")
        stack.alertdrill("scale", "web=2", "data-service=2")
        stack.alertdrill("restart", "web-1")
    finally:
        clients.join()
    assert results[0]["failures"] == 0
    assert counts.since() == dict.fromkeys(counts.sources, results[0]["requests"])
    poll_until(stack.scrapes_everything, "the removed instances to be gone", 15)
    fired = 'ALERTS{alertname="InstanceDown",alertstate="firing"}'
    assert not stack.query(f"last_over_time({fired}[1m])")


def test_random_urls_add_no_series(stack: Stack) -> None:
    generator = random.Random(2026)  # the same URLs in every run
    paths = [
        "/x" + "".join(generator.choices(string.ascii_letters + "/", k=12)) for _ in range(10_000)
    ]
    series = 'count({job="services",service="web",__name__=~"flask_.*|http_.*|log_.*"})'
    # Both instances have seen an unknown URL now, and the start page, which the probe requests.
    assert statuses(stack, [*paths[:20], *["/"] * 20]) == {404, 200}
    stack.wait_for_scrape()
    before = stack.total(series)
    assert statuses(stack, paths) == {404}
    stack.wait_for_scrape()
    assert stack.total(series) == before


def statuses(stack: Stack, paths: list[str]) -> set[int]:
    """Get every path over a few connections; return the statuses of the responses."""
    sessions = threading.local()

    def get(path: str) -> int:
        if not hasattr(sessions, "mine"):
            sessions.mine = requests.Session()
        status: int = sessions.mine.get(stack.url("lb", path), timeout=5).status_code
        return status

    with ThreadPoolExecutor(4) as pool:
        return set(pool.map(get, paths))
