"""The responder heals an unhealthy instance once and leaves all others alone, at speed 12."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alertdrill.clients.faults import Faults
from tests.e2e.compressed_stack import (
    DECISION_TIMEOUT_S,
    RESTART_TIMEOUT_S,
    CompressedStack,
    labels,
    running,
)
from tests.e2e.stack import native_only, poll_until
from tests.e2e.traffic import Traffic

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600), native_only]
# A hung instance at speed 12: out of the load balancer, and serving again.
OUT, BACK = 3.0, 15.0
# Added because another stack runs on the same cores; lb/haproxy.cfg makes OUT 2.75 s.
TOLERANCE = 0.5


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompressedStack]:
    """Start four instances of web, and two of data-service without the heal label."""
    folder = tmp_path_factory.mktemp("healing")
    with running(folder, instances={"web": 4}, heal={"data-service": False}) as stack:
        yield stack


@pytest.fixture
def stack(home: CompressedStack) -> CompressedStack:
    """Return the stack when every instance is ready, with the whole budget."""
    poll_until(home.all_ready, "every instance to be ready", 30)
    assert home.command("/resume").status_code == 200
    return home


def moment(check: Callable[[], bool], what: str, timeout: float) -> float:
    """Return when a check was first true, to 10 ms, in monotonic seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if check():
            return time.monotonic()
        time.sleep(0.01)
    pytest.fail(f"Timed out after {timeout:.0f} s: {what}.")


def test_hung_instance_is_healed_in_time(stack: CompressedStack) -> None:
    before, pid = stack.last_action(), stack.pid("web-2")
    with Traffic(stack.runtime.address("lb")) as traffic:
        poll_until(lambda: len(traffic.since(0)) > 50, "traffic", 10)
        with stack.hung("web-2"):
            hung = time.monotonic()
            out = moment(lambda: not stack.lb.is_up("web", "web-2"), "it to be out", 10)
            back = moment(lambda: stack.lb.is_up("web", "web-2"), "it to be back", 40)
        poll_until(lambda: len(traffic.since(back)) > 50, "traffic after it", 10)
    print(f"out after {out - hung:.2f} s, back after {back - hung:.2f} s")  # noqa: T201 - for -s
    later = traffic.since(out)
    assert len([answer for answer in later if answer.began < back]) > 50
    assert [answer for answer in later if answer.status != 200] == []
    assert out - hung < OUT + TOLERANCE
    assert back - hung < BACK + TOLERANCE
    assert stack.results(before) == [("restart", "web-2", "done")]
    assert stack.pid("web-2") != pid


def test_instance_whose_threads_hang_is_restarted(stack: CompressedStack) -> None:
    before, pid = stack.last_action(), stack.pid("web-2")
    address, token = stack.instance("web-2").ops_address, stack.runtime.faults_token()
    with Traffic(stack.runtime.address("lb")):
        # Requests hang; the probe does not. It ends with the process.
        Faults(address, token).switch_on("hang", {"duration": 600})
        poll_until(lambda: not stack.lb.is_up("web", "web-2"), "it to be out", 60)
        stack.wait_for_action(before, "done")
        poll_until(lambda: stack.lb.is_up("web", "web-2"), "it to be back", RESTART_TIMEOUT_S)
    assert stack.results(before) == [("restart", "web-2", "done")]
    assert stack.actions(before)[0]["alert"] == "InstanceUnready"
    assert stack.pid("web-2") != pid


def test_silenced_instance_is_left_alone(stack: CompressedStack) -> None:
    before, pid = stack.last_action(), stack.pid("web-3")
    hung = labels("InstanceHung", "web-3")
    silence = stack.silence("web-3")
    with stack.hung("web-3"):
        poll_until(lambda: stack.alert_state(hung) == "suppressed", "the silenced alert", 15)
        stack.wait_for_reconcile()
        assert (stack.results(before), stack.pid("web-3")) == ([], pid)
        stack.unsilence(silence)
        stack.wait_for_action(before, "done")
    assert stack.results(before) == [("restart", "web-3", "done")]


def test_silence_after_the_notification_counts(stack: CompressedStack) -> None:
    before, leak = stack.last_action(), labels("MemoryLeak", "web-4", job="services")
    stack.command("/pause")
    stack.fire(leak)
    stack.wait_for_decision(leak, "paused")
    silence = stack.silence("web-4")
    assert stack.wait_for_decision(leak, "excluded") == "the alert is silenced"
    stack.command("/resume")
    stack.wait_for_reconcile()
    assert stack.results(before) == []
    stack.resolve(leak)
    stack.unsilence(silence)


def test_unlabelled_service_is_left_alone(stack: CompressedStack) -> None:
    before, pid = stack.last_action(), stack.pid("data-service-1")
    hung = labels("InstanceHung", "data-service-1", "data-service")
    with stack.hung("data-service-1"):
        reason = stack.wait_for_decision(hung, "no_target")
        assert reason == "data-service-1 does not carry the heal label"
        stack.wait_for_reconcile()
        assert (stack.results(before), stack.pid("data-service-1")) == ([], pid)


def test_paused_responder_acts_when_resumed(stack: CompressedStack) -> None:
    before, leak = stack.last_action(), labels("MemoryLeak", "web-1", job="services")
    assert stack.command("/pause").json()["paused"] is True
    stack.fire(leak)
    stack.wait_for_decision(leak, "paused")
    stack.wait_for_reconcile()
    assert stack.results(before) == []
    assert stack.command("/resume").json()["paused"] is False
    stack.wait_for_action(before, "running")
    stack.resolve(leak)
    stack.wait_for_action(before, "done")
    assert stack.results(before) == [("restart", "web-1", "done")]


def test_cancelled_action_is_not_repeated(stack: CompressedStack) -> None:
    before, pid = stack.last_action(), stack.pid("web-4")
    leak = labels("MemoryLeak", "web-4", job="services")
    stack.fire(leak)
    action = stack.wait_for_action(before, "running")
    assert stack.command(f"/actions/{action}/cancel").json()["state"] == "cancelled"
    poll_until(lambda: stack.pid("web-4") != pid, "the restart to be completed", RESTART_TIMEOUT_S)
    poll_until(stack.all_ready, "it to be ready", RESTART_TIMEOUT_S)
    reason = stack.wait_for_decision(leak, "excluded")
    assert reason == "an operator cancelled its action"
    stack.wait_for_reconcile()
    assert stack.results(before) == [("restart", "web-4", "cancelled")]
    stack.resolve(leak)


def test_alert_without_a_notification_is_acted_on(stack: CompressedStack) -> None:
    before = stack.last_action()
    leak = labels("MemoryLeak", "web-3", job="services")
    assert stack.command("/pause").status_code == 200
    stack.fire(leak)
    stack.wait_for_decision(leak, "paused")
    # A restart loses the alerts, but not the record of their notifications. The group is notified
    # again only if Prometheus repeats that alerts of other tests are resolved.
    stack.runtime.restart("alertmanager-1")
    stack.wait_for_reconcile()
    stack.fire(leak)
    assert stack.command("/resume").status_code == 200
    restarted = [("restart", "web-3", "done")]
    poll_until(lambda: stack.results(before) == restarted, "the action", RESTART_TIMEOUT_S)
    stack.resolve(leak)


def test_alert_that_was_posted_to_alertmanager_causes_no_action(stack: CompressedStack) -> None:
    before = stack.last_action()
    # Prometheus repeats for some minutes that the alerts of other tests are resolved.
    leaks = [labels("MemoryLeak", f"web-{n}", job="services", by="post") for n in range(1, 5)]
    stack.post(*leaks)
    for leak in leaks:
        reason = stack.wait_for_decision(leak, "unconfirmed")
        assert reason == "neither Prometheus nor Loki has it as firing"
    stack.wait_for_reconcile()
    assert stack.results(before) == []
    stack.post(*leaks, duration=timedelta())


@pytest.mark.parametrize("path", ["/pause", "/resume", "/actions/1/cancel"])
def test_wrong_token_is_refused(stack: CompressedStack, path: str) -> None:
    refused = stack.command(path, token="wrong")
    assert (refused.status_code, refused.json()["status"]) == (401, 401)
    assert stack.command("/resume").json()["paused"] is False


def test_late_and_repeated_notifications_act_once(stack: CompressedStack) -> None:
    before, leak = stack.last_action(), labels("MemoryLeak", "web-2", job="services")
    stack.fire(leak)
    stack.wait_for_action(before, "running")
    firing = stack.notification("firing", leak)
    assert [stack.deliver(firing), stack.deliver(firing)] == ["duplicate", "duplicate"]
    stack.resolve(leak)
    stack.wait_for_action(before, "done")
    resolved = poll_until(
        lambda: stack.notification("resolved", leak), "its resolution", DECISION_TIMEOUT_S
    )
    # Out of order: resolved, and then firing once more.
    assert [stack.deliver(resolved), stack.deliver(firing)] == ["duplicate", "duplicate"]
    stack.wait_for_reconcile()
    assert stack.results(before) == [("restart", "web-2", "done")]
    # The resolution of the last time is not that of this time.
    stack.command("/pause")
    stack.fire(leak)
    stack.wait_for_decision(leak, "paused")
    assert stack.deliver(resolved) == "duplicate"
    stack.wait_for_reconcile()
    second = stack.last_action()
    stack.command("/resume")
    stack.wait_for_action(second, "running")
    stack.resolve(leak)
    stack.wait_for_action(second, "done")
    assert stack.results(before) == [("restart", "web-2", "done")] * 2


def test_killed_responder_finishes_its_action(stack: CompressedStack) -> None:
    before, pid = stack.last_action(), stack.pid("web-3")
    # It fires until the test resolves it: an action whose alert is resolved while the responder is
    # down is cancelled.
    leak = labels("MemoryLeak", "web-3", job="services")
    stack.fire(leak)
    action = stack.wait_for_action(before, "running")
    stack.runtime.kill("responder-1")
    poll_until(
        lambda: stack.instance("responder-1").state == "ready", "the responder", RESTART_TIMEOUT_S
    )
    stack.wait_for_action(before, "done")
    stack.wait_for_reconcile()
    assert stack.results(before) == [("restart", "web-3", "done")]
    assert stack.pid("web-3") != pid
    assert restarts(stack, "web-3", action) == 1
    stack.resolve(leak)


def restarts(stack: CompressedStack, name: str, action: int) -> int:
    """Return how often the control API restarted an instance after an action began."""
    started = stack.get(f"/actions/{action}")["started_at"]
    lines = [json.loads(line) for _, line in stack.runtime.logs("control", None)]
    messages = [line["message"] for line in lines if line["timestamp"] > started]
    return len([message for message in messages if message.startswith(f"restart {name}")])


def test_dry_run_restarts_nothing(tmp_path: Path) -> None:
    with running(tmp_path, healing="dry-run") as dry:
        pid, hung = dry.pid("web-2"), labels("InstanceHung", "web-2")
        with dry.hung("web-2"):
            dry.fire(hung)
            dry.wait_for_action(0, "done")
            dry.wait_for_reconcile()
            assert dry.pid("web-2") == pid
        actions = {
            (action["kind"], action["target"], action["dry_run"]) for action in dry.actions(0)
        }
        assert actions == {("restart", "web-2", True)}
