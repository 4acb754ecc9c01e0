"""A load on a running stack: counts agree, Locust is scraped, and no process is left."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Sequence

import pytest

from tests.e2e.stack import Stack, poll_until

pytestmark = pytest.mark.stack
# Prometheus reads its lists of targets every five seconds, and scrapes as often.
SCRAPE_TIMEOUT_S = 30.0


def locusts(stack: Stack) -> Sequence[str]:
    """Return the processes or containers of Locust."""
    command = ["docker", "ps", "--all", "--format", "{{.Names}}"]
    if stack.runtime == "native":
        command = ["ps", "-A", "-ww", "-o", "args"]
    host = (
        stack.url("lb") if stack.runtime == "native" else stack.environment["COMPOSE_PROJECT_NAME"]
    )
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if host in line and ("locust" in line or "load-run" in line)]


def test_smoke_load_passes_and_is_scraped(stack: Stack) -> None:
    with stack.start("load", "smoke", stderr=subprocess.STDOUT) as load:
        poll_until(
            lambda: stack.total("sum(locust_requests_total)") > 0,
            "Locust's numbers",
            SCRAPE_TIMEOUT_S,
        )
        printed, _ = load.communicate(timeout=120)
    assert load.returncode == 0, printed
    [report] = (stack.home / "loads").glob("*/report.json")
    result = json.loads(report.read_text())
    assert [gate["name"] for gate in result["gates"] if not gate["passed"]] == []
    assert result["events"] == []
    poll_until(
        lambda: not stack.query('up{job="load"}'), "the end of Locust's target", SCRAPE_TIMEOUT_S
    )


def test_ctrl_c_stops_every_process(stack: Stack) -> None:
    with stack.start("load", "steady", "--users", "4", stderr=subprocess.STDOUT) as load:
        poll_until(lambda: locusts(stack), "Locust", SCRAPE_TIMEOUT_S)
        load.send_signal(signal.SIGINT)
        printed, _ = load.communicate(timeout=60)
    assert (load.returncode, "no gate was evaluated" in printed) == (130, True)
    assert locusts(stack) == []
