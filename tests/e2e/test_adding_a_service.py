"""A service that is added as docs/how-to/add-a-service.md describes works completely."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e import doc_steps
from tests.e2e.repository_copy import (
    RepositoryCopy,
    copy_repository,
    ending,
    stack_of_copy,
)
from tests.e2e.stack import TIMEOUT_S, native_only, poll_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(TIMEOUT_S)]
PAGE = "docs/how-to/add-a-service.md"
SERVICE = "orders"
# A rule is evaluated every 5 minutes at most, which is 25 s at this speed.
RECORDED = 40
# A panel over six hours has a point in some two minutes, and the first one may be before the rule.
FIGURES = 180
# At speed 12 InstanceHung fires after some 5 s; the rest is the restart, on a busy machine.
HEALED = 60
# What the dashboards overview, service, slo and logs are drawn from.
RECORDS = (
    "service:objective:ratio",
    "service:latency_objective:ratio",
    "service:memory_limit:bytes",
    "service:series_limit:count",
    *(f"service:{what}:rate5m" for what in ("requests", "request_errors", "requests_slow")),
    *(f"service:{what}:budget" for what in ("request_errors", "requests_slow")),
    *(
        f"service:{what}:burnrate{window}"
        for what in ("request_errors", "requests_slow")
        for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
    ),
    "service:request_errors:burnrate30d",
)


DASHBOARDS = ("overview", "service", "slo", "logs")
# What the example has not, beside what no service in order has.
EXPECTED_EMPTY_FOR_ORDERS = """
- dashboard: service
  panel: Is a circuit breaker open?
  reason: It calls no other service.
- dashboard: service
  panel: What are the results of its calls?
  reason: It calls no other service.
- dashboard: service
  panel: How long do its calls take?
  reason: It calls no other service.
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RepositoryCopy]:
    """Follow the page from its first line to its last, and stop what it started."""
    home = tmp_path_factory.mktemp("home")
    root = copy_repository(tmp_path_factory.mktemp("copy"))
    commands = doc_steps.follow((root / PAGE).read_text(), root)
    copied = stack_of_copy(root, home)
    with ending(copied):
        for command in commands:
            copied.run_page_command(command)
        yield copied


@pytest.fixture(scope="module")
def loaded(copy: RepositoryCopy) -> Iterator[RepositoryCopy]:
    """Send requests while the tests run: one in ten fails."""
    ended = threading.Event()

    def send() -> None:
        number = 0
        while not ended.wait(0.05):
            number += 1
            path = "/orders/3/shared/0" if number % 10 == 0 else "/orders/3"
            # What is killed in the middle of an answer cuts it off.
            with suppress(requests.RequestException):
                requests.get(copy.url("lb", path), timeout=15)

    client = threading.Thread(target=send)
    client.start()
    yield copy
    ended.set()
    client.join()


def of_service(copy: RepositoryCopy, metric: str, **labels: str) -> float:
    """Return the number of series that a metric has of the service."""
    selector = ",".join(
        f'{name}="{value}"' for name, value in {"service": SERVICE, **labels}.items()
    )
    return copy.total(f"count({metric}{{{selector}}})")


def test_output_of_commands_matches_the_page(copy: RepositoryCopy) -> None:
    answers = [output for command, output in copy.outputs.items() if command.startswith("curl")]
    assert json.loads(answers[0]) == {"costs": 7.5}
    assert json.loads(answers[1])["status"] == 500
    (status,) = (output for command, output in copy.outputs.items() if command == "make status")
    assert len(re.findall(r"\borders-\d\b.* ready\b", status)) == 2
    (logs,) = (output for command, output in copy.outputs.items() if " logs orders " in command)
    assert "ZeroDivisionError" in logs or "GET /orders" in logs


@native_only  # they are the same however it runs
def test_checks_of_the_copy_pass(copy: RepositoryCopy) -> None:
    ours = ("apps/orders", "tests/contract")
    copy.run(f".venv/bin/ruff check --quiet {ours[0]} && .venv/bin/ruff format --check {ours[0]}")
    completed = copy.run(
        f".venv/bin/python -m pytest -n0 -q -p no:cacheprovider {ours[1]}", check=False
    )
    assert completed.returncode == 0, completed.stdout


def test_idle_instance_is_scaled_in(copy: RepositoryCopy) -> None:
    # The page has started a third instance, which gets no load.
    poll_until(lambda: actions(copy, "scale_in", SERVICE), "orders to be at its minimum", HEALED)


def test_status_has_every_instance(copy: RepositoryCopy) -> None:
    ours = {
        name: instance
        for name, instance in copy.instances().items()
        if instance["service"] == SERVICE
    }
    states = [ours[f"{SERVICE}-{number}"]["state"] for number in range(1, 5)]
    assert states == ["ready", "ready", "standby", "standby"]
    assert all(instance["healing_enabled"] for instance in ours.values())


def test_prometheus_scrapes_every_instance(loaded: RepositoryCopy) -> None:
    poll_until(lambda: of_service(loaded, "up", job="services") == 2, "two targets", 15)
    assert loaded.total(f'sum(up{{service="{SERVICE}"}})') == 2
    for metric in ("app_info", "http_requests_in_flight", "process_resident_memory_bytes"):
        assert of_service(loaded, metric) == 2


def test_requests_are_counted_by_route(loaded: RepositoryCopy) -> None:
    good = {"status": "200", "method": "GET"}
    metric = "flask_http_request_duration_seconds_count"
    poll_until(lambda: of_service(loaded, "flask_http_request_total", **good) == 2, "both", 30)
    assert of_service(loaded, metric, url_rule="/orders/<int:pieces>", **good) == 2
    poll_until(
        lambda: of_service(loaded, "flask_http_request_exceptions_total") >= 1, "an exception", 15
    )


@pytest.mark.parametrize("record", RECORDS)
def test_rule_records_the_service(loaded: RepositoryCopy, record: str) -> None:
    # A window of days says nothing of a minute, but it says it.
    poll_until(lambda: of_service(loaded, record) == 1, f"{record} of {SERVICE}", RECORDED)


def test_unchanged_dashboards_show_the_new_service(loaded: RepositoryCopy, tmp_path: Path) -> None:
    for name in DASHBOARDS:
        shutil.copy(loaded.root / f"grafana/dashboards/{name}.json", tmp_path)
    empty = tmp_path / "expected_empty.yml"
    common = (loaded.root / "grafana/expected_empty.yml").read_text()
    empty.write_text(common + EXPECTED_EMPTY_FOR_ORDERS)
    stores = [f"--{part} {loaded.url(part)}" for part in stores_of(loaded)]
    words = f"{' '.join(stores)} --set service={SERVICE} --dashboards {tmp_path} --empty {empty}"
    proofs = []

    def proven() -> bool:
        proofs.append(loaded.run(f".venv/bin/python -m grafana.query_check {words}", check=False))
        return proofs[-1].returncode == 0 or time.monotonic() > deadline

    deadline = time.monotonic() + FIGURES
    poll_until(proven, "figures in every panel", 2 * FIGURES)
    assert proofs[-1].returncode == 0, proofs[-1].stdout + proofs[-1].stderr


def stores_of(copy: RepositoryCopy) -> list[str]:
    """Return the stores that run: Loki is optional."""
    return ["prometheus", *(["loki"] if "loki-1" in copy.instances() else [])]


def test_log_lines_follow_the_contract(loaded: RepositoryCopy) -> None:
    line = poll_until(
        lambda: loaded.access_lines(SERVICE, status=500), "an access line of a failure", 15
    )[0]
    assert (line["service"], line["method"]) == (SERVICE, "GET")
    assert line["route"] == "/orders/<int:pieces>/shared/<int:people>"
    assert re.fullmatch(r"orders-\d", line["instance"])
    assert re.fullmatch(r"[0-9a-f]{32}", line["trace_id"])
    lines = loaded.lines(SERVICE)
    same = [other for other in lines if other["request_id"] == line["request_id"]]
    assert "builtins.ZeroDivisionError" in {
        other.get("exception", {}).get("type") for other in same
    }
    own = {other["message"] for other in lines if other["logger"] == "apps.orders"}
    assert "Pricing 3 pieces" in own


def test_lb_routes_its_own_paths_only(loaded: RepositoryCopy) -> None:
    assert requests.get(loaded.url("lb", "/orders/2"), timeout=5).json() == {"costs": 5.0}
    for path in ("/ordersheet", "/orders/metrics", "/orders"):
        answer = requests.get(loaded.url("lb", path), timeout=5)
        assert answer.status_code == 404
    servers = loaded.query('haproxy_server_status{proxy="orders",state="UP"} == 1')
    assert {row["metric"]["server"] for row in servers} == {"orders-1", "orders-2"}


def test_killed_instance_comes_back(loaded: RepositoryCopy) -> None:
    before = loaded.instances()["orders-1"]["pid"]
    loaded.alertdrill("kill", "orders-1")

    def back() -> bool:
        now = loaded.instances()["orders-1"]
        return bool(now["state"] == "ready" and now["pid"] != before)

    poll_until(back, "orders-1 to be back", 30)


def test_hung_instance_is_healed(loaded: RepositoryCopy) -> None:
    before = loaded.instances()["orders-2"]["pid"]
    loaded.alertdrill("pause", "orders-2")
    poll_until(lambda: loaded.instances()["orders-2"]["pid"] != before, "a new orders-2", HEALED)
    [action, *_] = poll_until(
        lambda: actions(loaded, "restart", "orders-2"), "its restart to be done", HEALED
    )
    # Alertmanager sends the first of them sooner, unless this machine is busy.
    assert action["alert"] in {"InstanceHung", "InstanceDown"}


def actions(copy: RepositoryCopy, kind: str, target: str) -> list[dict[str, Any]]:
    """Return the finished actions of the responder on a target."""
    all_actions = requests.get(copy.url("responder", "/actions"), timeout=5).json()
    expected = {"kind": kind, "target": target, "state": "done"}
    return [action for action in all_actions if expected.items() <= action.items()]
