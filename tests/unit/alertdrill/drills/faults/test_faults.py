import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from alertdrill.drills.faults import stack
from alertdrill.drills.faults.base import Fault
from alertdrill.drills.faults.registry import KINDS, create
from alertdrill.drills.model import DrillError, FaultSpec, LoadSpec
from alertdrill.errors import AlertdrillError
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import PARAMETERS, FakeTraffic, make_context
from tests.unit.alertdrill.drills.processes import poll_until
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

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


def test_kills_repeat_until_the_fault_stops(make: Make, runtime: Any) -> None:
    often = threading.Event()
    runtime.on_call = lambda *_: often.set() if len(runtime.calls) >= 3 else None
    runtime.speed = 30.0
    fault = make("kill", "web", every=0.3)  # every 10 ms at this speed
    assert list(fault.undo) == [("start", "web")]
    fault.inject()
    assert often.wait(10)
    fault.stop()
    count = len(runtime.calls)
    assert {*runtime.calls} == {("kill", "web")}
    assert len(runtime.calls) == count


def test_kills_continue_while_the_target_is_down(make: Make, runtime: Any) -> None:
    runtime.refuses = {"kill"}
    often = threading.Event()
    runtime.on_call = lambda *_: often.set() if len(runtime.calls) >= 2 else None
    fault = make("kill", "web", every=0.001)
    fault.inject()
    assert often.wait(10)
    fault.stop()


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
    assert list(fault.undo) == [("resume_healing",), ("start", target)]
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
    runtime.running = [instance("web-1", server.address), instance("web-2", server.address)]
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
    runtime.running = [instance("web-1", server.address)]
    server.answers[f"/faults/{kind}"] = {}
    runtime.speed = 12.0
    make(kind, "web", **{name: 10.0}).inject()
    assert json.loads(server.requests[0].body)[name] == pytest.approx(at_twelve)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, r"/faults/hang does not exist: set FAULTS_ENABLED=1\.$"),
        (401, r"/faults/hang answers 401: refused"),
    ],
)
def test_rejected_service_fault_is_an_error(
    make: Make, runtime: Any, server: FakeServer, status: int, words: str
) -> None:
    runtime.running = [instance("web-1", server.address)]
    server.answers["/faults/hang"] = status
    with pytest.raises(AlertdrillError, match=words):
        make("hang", "web").inject()


def test_service_fault_needs_a_running_instance(make: Make, runtime: Any) -> None:
    runtime.running = [instance("web-1", pid=None, state="stopped")]
    with pytest.raises(DrillError, match=r"^No instance of web runs: start it "):
        make("hang", "web").inject()
    runtime.running = [instance("web-1", "127.0.0.1:1")]
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
    ((order, part, name, text),) = runtime.calls
    assert (order, part, name) == ("break_config", "loki", "overrides.yml")
    assert yaml.safe_load(text)["overrides"]["fake"]["ingestion_rate_mb"] < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_fault_that_was_not_injected_can_stop(make: Make, runtime: Any, kind: str) -> None:
    make(kind, "web", **PARAMETERS).stop()
    assert runtime.calls == []


def test_undo_is_known_before_injection(tmp_path: Path) -> None:
    runtime: Any = FakeRuntime(tmp_path)
    for kind in KINDS:
        spec = FaultSpec(kind=kind, target="web", parameters=PARAMETERS)
        assert isinstance(list(create(spec, make_context(runtime, tmp_path), 1.0).undo), list)
    assert runtime.calls == []
    assert list(tmp_path.iterdir()) == []
