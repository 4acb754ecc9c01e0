"""What only the worker with greenlets does; test_servers.py has what all servers do."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.unit.telemetry.instance import TIMEOUT_S, Instance

SHOP = "tests.unit.telemetry.shop:create_app()"
# No instance of the tests waits as long.
LONG_S = 60


def test_more_requests_than_threads_are_answered_at_a_time(tmp_path: Path) -> None:
    with Instance(1, tmp_path, SHOP, "gevent", THREADS="2") as shop, ThreadPoolExecutor(20) as pool:
        started = time.monotonic()
        slow = [pool.submit(requests.get, f"{shop.url}/slow?seconds=1") for _ in range(20)]
        assert {answer.result(TIMEOUT_S).status_code for answer in slow} == {200}
        assert time.monotonic() - started < 10  # one after the other they take 20 s


def test_idle_connection_does_not_delay_a_stop(tmp_path: Path) -> None:
    more = {"DRAIN_SECONDS": "0", "GRACEFUL_TIMEOUT": str(LONG_S)}
    with (
        Instance(1, tmp_path, SHOP, "gevent", **more) as shop,
        requests.Session() as session,
    ):
        assert session.get(f"{shop.url}/order", timeout=TIMEOUT_S).ok
        shop.process.send_signal(signal.SIGTERM)
        assert shop.process.wait(LONG_S / 2) == 0
