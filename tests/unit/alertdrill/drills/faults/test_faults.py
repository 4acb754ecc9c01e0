import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from alertdrill.drills.faults import Fault, stack
from alertdrill.drills.faults.registry import KINDS, FaultKind
from alertdrill.drills.model import DrillError, LoadSpec
from alertdrill.errors import AlertdrillError
from alertdrill_telemetry.faults import kinds as services
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import FakeTraffic, poll_until
from tests.unit.alertdrill.fake_runtime import instance

Make = Callable[..., Fault]


@pytest.mark.parametrize(
    ("kind", "target", "parameters", "undo", "call"),
    [
        ("stop", "web", {}, ("start", "web"), ("stop", "web")),
        ("pause", "lb", {}, ("resume", "lb"), ("pause", "lb")),
        ("drop_targets", "lb", {}, ("restore_targets",), ("drop_targets", "lb")),
        (
            *("bad_rule", "", {}, ("restore_config", "prometheus", "rules.d/drill.yml")),
            ("break_config", "prometheus", "rules.d/drill.yml", stack.FAILING_RULE),
        ),
        (
            *("bad_config", "", {"component": "prometheus"}),
            ("restore_config", "prometheus", "scrape.d/drill.yml"),
            ("break_config", "prometheus", "scrape.d/drill.yml", stack.INVALID_CONFIG),
        ),
        (
            *("bad_config", "", {"component": "alertmanager"}),
            ("restore_config", "alertmanager", "alertmanager.yml"),
            ("break_config", "alertmanager", "alertmanager.yml", stack.INVALID_CONFIG),
        ),
        (
            *("bad_config", "", {"component": "webhook"}),
            ("restore_config", "alertmanager", "webhook_url"),
            ("break_config", "alertmanager", "webhook_url", stack.CLOSED_PORT_URL),
        ),
    ],
)
def test_fault_calls_the_runtime(
    make: Make, runtime: Any, kind: str, target: str, parameters: Any, undo: Any, call: Any
) -> None:
    fault = make(kind, target, **parameters)
    assert list(fault.undo) == [undo]
    assert runtime.calls == []
    fault.inject()
    fault.stop()
    assert runtime.calls == [call]


@pytest.mark.parametrize("refuses", [set(), {"kill"}])  # the target may be down for a while
def test_kills_repeat_until_the_fault_stops(make: Make, runtime: Any, refuses: set[str]) -> None:
    runtime.refuses = refuses
    runtime.speed = 30.0
    fault = make("kill", "web", every=0.3)  # every 10 ms at this speed
    assert list(fault.undo) == [("start", "web")]
    fault.inject()
    poll_until(lambda: len(runtime.calls) >= 3, "three kills")
    fault.stop()
    assert {*runtime.calls} == {("kill", "web")}
    assert not any(thread.name.endswith("(loop)") for thread in threading.enumerate())


@pytest.mark.parametrize(("target", "stopped"), [("web-2", {"web-2"}), ("web", {"web-1", "web-2"})])
def test_crash_loop_stops_ready_instances(
    make: Make, runtime: Any, monkeypatch: pytest.MonkeyPatch, target: str, stopped: set[str]
) -> None:
    monkeypatch.setattr(stack, "CRASH_INTERVAL_S", 0.005)
    looks = threading.Event()

    def stop(order: str, name: str, grace: float) -> None:
        assert grace == 0  # a crash does not drain
        others = [other for other in runtime.running if other.name != name]
        runtime.running = [*others, instance(name, pid=None, state="stopped")]

    runtime.on_call = stop

    def status() -> list[Any]:
        looks.set()
        return list(runtime.running)

    runtime.status = status
    fault = make("crash_loop", target)
    assert list(fault.undo) == [("close_circuit", "web"), ("start", target)]
    fault.inject()
    poll_until(lambda: len(runtime.calls) == len(stopped), "the first time")
    looks.clear()
    assert looks.wait(10)  # it does not stop a stopped instance
    assert set(runtime.calls) == {("stop", name, 0) for name in stopped}
    runtime.running = [instance("web-1"), instance("web-2")]  # a person started them
    poll_until(lambda: len(runtime.calls) == 2 * len(stopped), "the second time")
    fault.stop()
    assert set(runtime.calls) == {("stop", name, 0) for name in stopped}


def test_scale_undo_restores_the_count(make: Make, runtime: Any) -> None:
    runtime.running = [
        *(instance("web-1"), instance("web-2", state="unready")),
        *(instance("web-3", state="standby", pid=None), instance("data-service-1")),
    ]
    fault = make("scale", "web", instances=4)
    runtime.running = [instance("web-1")]
    assert list(fault.undo) == [("scale", "web", "2")]
    assert runtime.calls == []
    fault.inject()
    fault.stop()
    assert runtime.calls == [("scale", "web", 4)]


def test_load_stops_and_restarts(make: Make, traffic: FakeTraffic) -> None:
    traffic.spec = LoadSpec(shape="steady", users=60)
    fault = make("stop_load")
    fault.inject()
    fault.stop()
    assert traffic.calls == ["stop", LoadSpec(shape="steady", users=60)]
    assert list(fault.undo) == []


def test_service_fault_is_sent_over_http(make: Make, runtime: Any, server: FakeServer) -> None:
    runtime.running = [instance(name, ops_address=server.address) for name in ("web-1", "web-2")]
    server.answers["/faults/errors"] = {}
    fault = make("errors", "web", probability=0.5, status=503.0)
    assert list(fault.undo) == [("clear_fault", "web", "errors")]
    fault.inject()
    assert len(server.requests) == 2
    assert (server.requests[0].method, server.requests[0].token) == ("PUT", "the-token")
    assert json.loads(server.requests[0].body) == {
        "probability": 0.5,
        "status": 503.0,
        "duration": 99.0,
    }


@pytest.mark.parametrize(
    ("kind", "name", "at_twelve"),
    [
        ("memory", "mib_per_second", 120.0),
        ("memory", "mib", 10.0),
        ("slow_scrape", "seconds", 10 / 12),
        ("latency", "seconds", 10.0),
        ("clock_skew", "seconds", 10.0),
        ("log_flood", "lines_per_second", 10.0),
    ],
)
def test_only_some_parameters_are_scaled(
    make: Make, runtime: Any, server: FakeServer, kind: str, name: str, at_twelve: float
) -> None:
    runtime.running = [instance("web-1", ops_address=server.address)]
    server.answers[f"/faults/{kind}"] = {}
    runtime.speed = 12.0
    make(kind, "web", **{name: 10.0}).inject()
    assert json.loads(server.requests[0].body)[name] == pytest.approx(at_twelve)


def test_service_fault_needs_a_running_instance(
    make: Make, runtime: Any, server: FakeServer
) -> None:
    runtime.running = [instance("web-1", pid=None, state="stopped")]
    with pytest.raises(DrillError, match=r"^No instance of web runs: start it "):
        make("hang", "web").inject()
    runtime.running = [instance("web-1", ops_address=server.address)]
    server.answers["/faults/hang"] = 401
    with pytest.raises(AlertdrillError, match=r"/faults/hang answers 401: refused"):
        make("hang", "web").inject()
    server.close()
    with pytest.raises(AlertdrillError, match=r"does not answer: check `alertdrill status`\.$"):
        make("hang", "web").inject()


def test_scan_requests_a_missing_page(make: Make, runtime: Any, server: FakeServer) -> None:
    runtime.addresses = lambda: {"Services": f"{server.url}/"}
    fault = make("not_found_scan", requests_per_second=100.0)
    fault.inject()
    poll_until(lambda: len(server.requests) > 3, "requests")
    fault.stop()
    count = len(server.requests)
    assert {(request.method, request.path) for request in server.requests} == {
        ("GET", "/no-such-page")
    }
    assert list(fault.undo) == []
    assert len(server.requests) == count


def test_loki_gets_rejecting_overrides(make: Make, runtime: Any) -> None:
    fault = make("bad_config", component="loki")
    assert list(fault.undo) == [("restore_config", "loki", "overrides.yml")]
    fault.inject()
    ((*call, text),) = runtime.calls
    assert call == ["break_config", "loki", "overrides.yml"]
    assert yaml.safe_load(text)["overrides"]["fake"]["ingestion_rate_mb"] < 1e-5


def service_faults() -> dict[str, FaultKind]:
    return {name: kind for name, kind in KINDS.items() if kind.fault is stack.service_fault}


def test_services_know_the_same_kinds() -> None:
    assert {
        name: kind.parameters.model_fields.keys() - {"kind", "target", "probability"}
        for name, kind in service_faults().items()
    } == {name: kind.parameters.keys() for name, kind in services.KINDS.items()}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_kind_is_consistent_in_itself(kind: FaultKind) -> None:
    assert {*kind.rates, *kind.durations} <= kind.parameters.model_fields.keys()
    assert ("target" in kind.parameters.model_fields) is (kind.scope != "none")
    assert kind.description.endswith(".")
