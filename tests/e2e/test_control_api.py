"""The control API of a running stack: permitted actions and refused ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from tests.e2e.control_client import call, call_at_once
from tests.e2e.repository_copy import copy_repository
from tests.e2e.stack import Stack, native_only, poll_until, running_stack

pytestmark = pytest.mark.stack
# A frozen instance is ready again within this time of its restart.
MAX_RESTART_S = 15.0
# Prometheus scrapes, and reads its list of targets, every 5 s.
TWO_SCRAPES = 10.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack whose data-service does not carry the heal label."""
    root = copy_repository(tmp_path_factory.mktemp("copy"))
    with (root / "apps/services.yml").open("a") as file:
        file.write("  heal: false\n")  # of the last one, data-service
    with running_stack(tmp_path_factory.mktemp("control"), root) as stack:
        yield stack


def web(stack: Stack) -> dict[str, str]:
    """Return the states of the instances of web, as the responder sees them."""
    instances: list[dict[str, Any]] = call(stack, "GET", "/instances").body["instances"]
    return {
        instance["name"]: instance["state"]
        for instance in instances
        if instance["service"] == "web"
    }


def test_token_is_required(stack: Stack) -> None:
    refused = call(stack, "GET", "/instances", Authorization="Bearer wrong")
    assert (refused.status, refused.body["status"]) == (401, 401)


@native_only
def test_only_the_owner_reads_the_tokens(stack: Stack) -> None:
    for name in ("control.token", "responder.token"):
        assert (stack.home / "native" / name).stat().st_mode & 0o777 == 0o600


def test_frozen_instance_is_restarted(stack: Stack) -> None:
    before = stack.instances()["web-1"]["pid"]
    stack.alertdrill("pause", "web-1")
    started = time.monotonic()
    assert web(stack)["web-1"] == "paused"
    answer = call(stack, "POST", "/instances/web-1/restart", {"grace_period": 0})
    assert answer.status == 200, answer.body
    assert time.monotonic() - started < MAX_RESTART_S
    # supervisord reports a process as starting for its first second.
    poll_until(lambda: web(stack)["web-1"] == "ready", "it to be ready", 3)
    assert stack.instances()["web-1"]["pid"] != before
    in_balance = 'haproxy_server_status{state="UP",server="web-1"} == 1'
    poll_until(lambda: stack.query(in_balance), "the load balancer to use it", TWO_SCRAPES)


def test_new_instance_gets_requests_and_is_removed(stack: Stack) -> None:
    assert call(stack, "PUT", "/services/web/scale", {"instances": 3}).status == 200
    three = {"web-1", "web-2", "web-3"}
    poll_until(lambda: answering(stack) >= three, "traffic on all three", TWO_SCRAPES)
    scraped = 'up{job="services",service="web"} == 1'
    poll_until(
        lambda: {row["metric"]["instance"] for row in stack.query(scraped)} == three,
        "three instances in Prometheus",
        TWO_SCRAPES,
    )
    poll_until(lambda: stack.instances()["web-3"]["state"] == "ready", "it to be ready", 15)
    assert call(stack, "PUT", "/services/web/scale", {"instances": 2}).status == 200
    assert web(stack)["web-3"] == stack.instances()["web-3"]["state"] == "standby"
    poll_until(stack.scrapes_everything, "the third to be removed", TWO_SCRAPES)
    assert answering(stack) == three - {"web-3"}


def answering(stack: Stack) -> set[str]:
    """Return the instances that answer a few requests."""
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    for _ in range(6):
        assert requests.get(stack.url("lb", "/"), timeout=5).ok
    return {line["instance"] for line in stack.access_lines("web") if line["timestamp"] >= started}


def test_same_key_restarts_once(stack: Stack) -> None:
    def restart(times: int) -> list[int]:
        path, key = "/instances/web-2/restart", {"Idempotency-Key": "the-same"}
        answers = call_at_once(stack, times, "POST", path, {"grace_period": 0}, **key)
        return [answer.status for answer in answers]

    assert restart(3) == [200, 200, 200]
    pid = stack.instances()["web-2"]["pid"]
    assert restart(1) == [200]  # also later
    assert stack.instances()["web-2"]["pid"] == pid
    messages = [line["message"] for line in stack.lines("control")]
    assert len([message for message in messages if message.startswith("restart web-2")]) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/instances/data-service-1/restart", {"grace_period": 0}),
        ("PUT", "/services/data-service/scale", {"instances": 3}),
        ("POST", "/instances/prometheus-1/restart", {"grace_period": 0}),
    ],
)
def test_unlabelled_instance_is_left_alone(
    stack: Stack, method: str, path: str, body: dict[str, int]
) -> None:
    before = {name: instance["pid"] for name, instance in stack.instances().items()}
    assert call(stack, method, path, body).status == 403
    assert {name: instance["pid"] for name, instance in stack.instances().items()} == before


def test_killed_control_api_comes_back(stack: Stack) -> None:
    before = stack.instances()["control-1"]["pid"]
    stack.alertdrill("kill", "control-1")

    def back() -> bool:
        now = stack.instances()["control-1"]
        return bool(now["state"] == "ready" and now["pid"] != before)

    poll_until(back, "the control API to be back", 30)
    assert call(stack, "GET", "/instances").status == 200


@native_only
def test_every_line_is_json(stack: Stack) -> None:
    text = (stack.home / "native" / "logs" / "control-1.jsonl").read_text()
    assert [line for line in text.splitlines() if not line.startswith("{")] == []
