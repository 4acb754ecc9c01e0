import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.runtimes import base
from alertdrill.runtimes.errors import NotReadyError
from alertdrill.runtimes.native import configs, readiness, scaling
from alertdrill.runtimes.native.context import ReplicaStore
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.processes import Plan, Process

Scale = Callable[[int], list[str]]


class Recorder:
    """A context that changes nothing, and records calls in `messages`."""

    def __init__(self, layout: Layout) -> None:
        layout.targets.mkdir(parents=True)
        self.messages: list[str] = []
        self.requests = {"web-1": 0, "web-2": 2}  # requests in flight
        self.layout = layout
        self.replicas = ReplicaStore(layout.state, StackSettings(layout.home))
        self.supervisor = SimpleNamespace(
            start=lambda name: self.messages.append(f"start {name}"),
            stop=lambda *names: self.messages.extend([f"stop {' '.join(names)}"] if names else []),
        )
        self.lb = SimpleNamespace(
            set=lambda service, name, state: self.messages.append(f"{state} {service}/{name}"),
            sessions=self._sessions,
        )

    def _sessions(self, service: str, name: str) -> int:
        self.messages.append(f"{name} has {self.requests.get(name, 0)}")
        self.requests[name] = max(0, self.requests.get(name, 0) - 1)
        return self.requests[name]

    def supervisor_state(self, name: str) -> str:
        return "RUNNING"


@pytest.fixture
def context(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Any:
    recorder = Recorder(layout)
    write = configs.write_service_targets

    def targets(layout: Layout, wanted: Sequence[Process]) -> None:
        write(layout, wanted)
        recorder.messages.append("targets")

    def wait(processes: Sequence[Process], *_: object) -> None:
        recorder.messages.extend(f"wait {process.name}" for process in processes)

    monkeypatch.setattr(configs, "write_service_targets", targets)
    monkeypatch.setattr(readiness, "wait_until_ready", wait)
    monkeypatch.setattr(base, "POLL_INTERVAL_S", 0)
    return recorder


@pytest.fixture
def scale(context: Any, plan: Plan) -> Scale:
    def run(count: int) -> list[str]:
        context.messages.clear()
        scaling.scale(
            context, plan, "web", count, lambda text: context.messages.append(f"say {text}")
        )
        return list(context.messages)

    return run


def scraped(layout: Layout) -> list[str]:
    rows = json.loads((layout.targets / "services.json").read_text())
    return [row["labels"]["instance"] for row in rows if row["labels"]["service"] == "web"]


def test_new_instance_is_scraped_before_it_gets_requests(scale: Scale, layout: Layout) -> None:
    assert scale(3) == [
        "start web-3",
        "wait web-3",
        "targets",
        "ready web/web-3",
        "say web-3 is ready",
    ]
    assert scraped(layout) == ["web-1", "web-2", "web-3"]


def test_new_instances_start_in_parallel(scale: Scale) -> None:
    assert scale(4)[:4] == ["start web-3", "start web-4", "wait web-3", "wait web-4"]


def test_leaving_instance_drains_first(scale: Scale, layout: Layout) -> None:
    messages = scale(1)
    assert messages == [
        *("drain web/web-2", "web-2 has 2", "web-2 has 1"),
        *("stop web-2", "maint web/web-2", "say web-2 is on standby", "targets"),
    ]
    assert scraped(layout) == ["web-1"]


def test_leaving_instances_drain_in_parallel(scale: Scale) -> None:
    scale(4)
    messages = scale(2)
    assert messages[:2] == ["drain web/web-3", "drain web/web-4"]
    assert "stop web-3 web-4" in messages


def test_same_replica_count_changes_nothing(scale: Scale) -> None:
    assert scale(2) == ["targets"]


def test_replica_count_is_stored(scale: Scale, context: Any) -> None:
    scale(3)
    assert context.replicas.get("web") == 3
    assert context.replicas.get("data-service") == 2


def test_endless_request_aborts_scaling(
    scale: Scale, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling, "DRAIN_TIMEOUT_S", 0)
    context.requests["web-2"] = 10**9
    with pytest.raises(NotReadyError, match="waiting for web-2 to finish its requests"):
        scale(1)
    assert not any(messages.startswith(("stop", "targets")) for messages in context.messages)
    assert context.messages[-1] == "ready web/web-2"
    assert context.replicas.get("web") == 2


def test_failed_instance_gets_no_requests(
    scale: Scale, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise NotReadyError("web-3 does not serve.")

    monkeypatch.setattr(readiness, "wait_until_ready", fail)
    with pytest.raises(NotReadyError):
        scale(3)
    assert context.messages == ["start web-3", "stop web-3"]
    assert context.replicas.get("web") == 2
