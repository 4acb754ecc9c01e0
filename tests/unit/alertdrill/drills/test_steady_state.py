from typing import Any

import pytest

from alertdrill.clients.responder import PerformedAction
from alertdrill.drills import steady_state
from alertdrill.drills.model import ACTION_S, NO_LOAD, STEADY, DrillError, LoadSpec
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import make_context
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

WATCHDOG = {"state": "firing", "labels": {"alertname": "Watchdog"}}


class Stack:
    """A healthy stack; tests change its answers."""

    def __init__(self, server: FakeServer, runtime: FakeRuntime) -> None:
        self.server = server
        self.runtime: Any = runtime
        runtime.urls = {"prometheus": server.url, "responder": server.url}
        self.up = [{"metric": {"instance": "web-1"}, "value": [0, "1"]}]
        self.rate = [{"metric": {}, "value": [0, "24"]}]
        self.above: list[Any] = []
        self.alerts: list[Any] = [WATCHDOG]
        self.pending: list[Any] = []
        self.watchdog: object = {"missing": False}
        self.queries: list[str] = []

    def deviation(self, load: LoadSpec = STEADY, alert: str = "Down") -> str:
        rule = {"name": "Down", "query": "up", "duration": 0, "alerts": self.pending}
        self.server.answers = {
            "/api/v1/alerts": {"data": {"alerts": self.alerts}},
            "/api/v1/rules": {"data": {"groups": [{"interval": 5, "rules": [rule]}]}},
            "/watchdog": self.watchdog,
            **self.server.answers,
        }
        context = make_context(self.runtime, self.runtime.folder)
        return steady_state.find_deviation(context, load, alert)

    def query(self, promql: str) -> Any:
        if promql == steady_state.ABOVE_MIN_REPLICAS:
            return self.above
        self.queries.append(promql)
        return self.up if promql == "up" else self.rate


@pytest.fixture
def stack(server: FakeServer, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> Stack:
    stack = Stack(server, runtime)
    monkeypatch.setattr(
        "alertdrill.clients.prometheus.Prometheus.query", lambda _, promql: stack.query(promql)
    )
    return stack


def test_healthy_stack_is_steady(stack: Stack) -> None:
    stack.runtime.running.append(instance("web-3", state="standby", pid=None))
    assert stack.deviation() == ""


def test_stopped_stack_is_unsteady(stack: Stack) -> None:
    stack.runtime.running = []
    assert stack.deviation() == "The stack is down."


@pytest.mark.parametrize("state", ["unready", "starting", "stopped", "paused", "failed"])
def test_every_instance_must_be_ready(stack: Stack, state: str) -> None:
    stack.runtime.running.append(instance("lb-1", state=state))
    assert stack.deviation() == f"lb-1 is {state}."


def test_every_target_must_be_scraped(stack: Stack) -> None:
    stack.up.append({"metric": {"instance": "lb-1"}, "value": [0, "0"]})
    assert stack.deviation() == "lb-1 is not scraped."
    stack.up.clear()
    assert stack.deviation() == "Prometheus scrapes nothing."


def test_only_watchdog_may_fire(stack: Stack) -> None:
    stack.alerts += [{"state": "firing", "labels": {"alertname": "Slow"}}] * 2
    stack.alerts.append({"state": "pending", "labels": {"alertname": "Soon"}})
    assert stack.deviation() == "Slow is firing."


def test_alert_of_the_drill_may_not_be_pending(stack: Stack) -> None:
    stack.pending = [
        {"state": "pending", "labels": {}, "activeAt": "2026-11-23T10:20:30Z", "value": "1"}
    ]
    assert stack.deviation() == "Down is pending."
    stack.server.answers.clear()
    assert stack.deviation(alert="Watchdog") == stack.deviation(alert="") == ""


@pytest.mark.parametrize(("rate", "users", "steady"), [("12", 24, True), ("11.9", 24, False)])
def test_half_of_the_traffic_is_required(stack: Stack, rate: str, users: int, steady: bool) -> None:
    stack.rate = [{"metric": {}, "value": [0, rate]}]
    load = LoadSpec(shape="steady", users=users)
    error = "The load balancer gets 11.9 requests/s: 24 users should send more."
    assert stack.deviation(load) == ("" if steady else error)


def test_drill_without_load_needs_no_traffic(stack: Stack) -> None:
    stack.rate = []
    assert stack.deviation(NO_LOAD) == ""
    assert stack.deviation().startswith("The load balancer gets 0.0 requests/s")


@pytest.mark.parametrize(("speed", "window"), [(1.0, "30s"), (12.0, "2s"), (1000.0, "2s")])
def test_window_shrinks_with_speed(stack: Stack, speed: float, window: str) -> None:
    stack.runtime.speed = speed
    stack.deviation()
    assert f"[{window}]" in stack.queries[-1]


def test_services_must_be_at_min_replicas(stack: Stack) -> None:
    stack.above = [{"metric": {"scaled_service": "web"}, "value": [0, "3"]}]
    assert stack.deviation() == "web has 3 instances, more than its minimum."


@pytest.mark.parametrize("answer", [{"missing": True}, 503])
def test_responder_must_receive_watchdog(stack: Stack, answer: object) -> None:
    stack.watchdog = answer
    assert stack.deviation().startswith("The responder misses Watchdog")


def test_failing_component_is_unsteady(stack: Stack) -> None:
    stack.server.answers["/api/v1/alerts"] = 500
    assert "/api/v1/alerts answers 500" in stack.deviation()


def fault(kind: str, active: bool) -> dict[str, object]:
    return {"kind": kind, "active": active}


def no_faults(stack: Stack, answer: object) -> None:
    stack.runtime.running = [instance("web-1", ops_address=stack.server.address)]
    stack.server.answers["/faults"] = answer
    steady_state.require_no_faults(stack.runtime)


def test_active_fault_is_unsteady(stack: Stack) -> None:
    no_faults(stack, {"faults": [fault("hang", False)]})
    assert stack.server.requests[-1].token == "the-token"
    with pytest.raises(DrillError, match=r"^web at .* has the fault errors\.$"):
        no_faults(stack, {"faults": [fault("hang", False), fault("errors", True)]})


def test_faults_must_be_enabled(stack: Stack) -> None:
    with pytest.raises(DrillError, match="answers 404 to /faults: drills need FAULTS_ENABLED=1"):
        no_faults(stack, 404)


def test_unreachable_service_is_unsteady(stack: Stack) -> None:
    stack.runtime.running = [instance("web-1", ops_address="127.0.0.1:1")]
    with pytest.raises(DrillError, match=r"^127.0.0.1:1 of web does not answer\.$"):
        steady_state.require_no_faults(stack.runtime)


def performed(kind: str) -> PerformedAction:
    return PerformedAction("Down", kind, "web", "web", "done", 0.0, 1.0)


@pytest.mark.parametrize(("speed", "longer"), [(1.0, 550.0), (10.0, 55.0)])
def test_scale_in_takes_longer(speed: float, longer: float) -> None:
    actions = [performed("restart"), performed("scale_in")]
    assert steady_state.scale_in_time(actions, speed) == 0
    actions = [performed("restart"), performed("scale_out")]
    assert steady_state.scale_in_time(actions, speed) == longer + ACTION_S
    # A drill that failed during the scale-in does not abort the next drill.
    assert longer + ACTION_S <= steady_state.max_wait(speed)
