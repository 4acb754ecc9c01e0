"""A fake Swarm: it answers like a manager, and changes take effect at once."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker.errors
import pytest
import requests

from alertdrill.runtimes.swarm import SwarmRuntime, runtime
from alertdrill.settings import StackSettings

NOW = "2026-11-26T03:43:09.019876894Z"
Task = dict[str, Any]


class FakeClient:
    """The methods of `docker.APIClient` in use; `changes` records the writing calls."""

    def __init__(self) -> None:
        self.changes: list[tuple[object, ...]] = []
        self.specs: dict[str, dict[str, Any]] = {}
        self.rows: list[Task] = []
        self.states: dict[str, str] = {}
        # The nodes of this engine's containers, and the state and error of new tasks.
        self.node = "here"
        self.fate = ("running", "")
        # The number of conflicting updates, and a hook that runs before each read.
        self.conflicts = 0
        self.before_look: Callable[[], None] = lambda: None
        self._version = itertools.count(10)
        self._made = itertools.count(1)

    def serve(self, name: str, replicas: int | None, **labels: str) -> None:
        """Deploy a service, with as many tasks as it has replicas."""
        mode = {"Global": {}} if replicas is None else {"Replicated": {"Replicas": replicas}}
        self.specs[name] = {
            "Name": f"alertdrill_{name}",
            "Labels": {"com.docker.stack.namespace": "alertdrill", **labels},
            "TaskTemplate": {
                "ContainerSpec": {"Image": "busybox", "StopGracePeriod": 25_000_000_000},
                "RestartPolicy": {"Condition": "any", "Delay": 1_000_000_000},
            },
            "Mode": mode,
            "EndpointSpec": {"Mode": "dnsrr"},
        }
        for number in range(1, (replicas or 0) + 1):
            self.begin(name, number)

    def begin(self, service: str, slot: int, **status: Any) -> Task:
        """Create a task in a slot."""
        made = next(self._made)
        state, error = self.fate
        task = {
            "ID": f"t{made}",
            "CreatedAt": f"2026-11-26T03:43:{made:02}.5Z",
            "ServiceID": f"id-{service}",
            "Slot": slot,
            "NodeID": self.node,
            "DesiredState": "running",
            "Status": {
                "Timestamp": NOW,
                "State": state,
                "Err": error,
                "ContainerStatus": {"ContainerID": f"c{made}", "PID": 70 + made},
                **status,
            },
        }
        self.rows.append(task)
        return task

    def end(self, task: Task, state: str = "failed", error: str = "", wanted: str = "") -> None:
        """End a task."""
        task["DesiredState"] = wanted or "shutdown"
        task["Status"] |= {"State": state, "Err": error, "ContainerStatus": {"PID": 0}}

    def live(self, service: str) -> list[Task]:
        own = [one for one in self.rows if one["ServiceID"] == f"id-{service}"]
        return [one for one in own if one["DesiredState"] == "running"]

    # Methods of docker.APIClient

    def services(self, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
        assert filters == {"label": ["com.docker.stack.namespace=alertdrill"]}
        self.before_look()
        return [self.inspect_service(f"id-{name}") for name in self.specs]

    def inspect_service(self, service: str) -> dict[str, Any]:
        spec = copy.deepcopy(self.specs[service.removeprefix("id-")])
        return {"ID": service, "Version": {"Index": next(self._version)}, "Spec": spec}

    def tasks(self, filters: dict[str, list[str]]) -> list[Task]:
        return copy.deepcopy(self.rows)

    def containers(self, all: bool, filters: dict[str, list[str]]) -> list[dict[str, Any]]:  # noqa: A002
        assert all
        return [
            {
                "Names": [f"/alertdrill_web.{one['Slot']}.{one['ID']}"],
                "Labels": {"com.docker.swarm.task.id": one["ID"]},
                "State": self.states.get(one["ID"], "running"),
                "Status": "Up 6 seconds",
            }
            for one in self.rows
            if one["NodeID"] == "here"
        ]

    def stop(self, name: str, timeout: int) -> None:
        self.changes.append(("stop", name, timeout))
        task = next(one for one in self.rows if one["ID"] == name.rpartition(".")[2])
        self.end(task, "failed", "task: non-zero exit (137)")
        self.begin(task["ServiceID"].removeprefix("id-"), task["Slot"])

    def update_service(self, service: str, version: int, **spec: Any) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise refusal(500, "rpc error: code = Unknown desc = update out of sequence")
        name, mode = service.removeprefix("id-"), spec["mode"]
        count = mode["Replicated"]["Replicas"]
        self.changes.append(("update", service, count))
        before = self.specs[name]
        assert spec["task_template"] == before["TaskTemplate"]
        assert (spec["labels"], spec["name"]) == (before["Labels"], before["Name"])
        self.specs[name] = {**before, "Mode": mode}
        live = self.live(name)
        for number in range(len(live) + 1, count + 1):
            self.begin(name, number)
        for task in live[count:]:
            self.end(task, "shutdown", wanted="remove")


def refusal(status: int, messages: str) -> docker.errors.APIError:
    """Return the library's exception for a refusal of the engine."""
    answer = requests.Response()
    answer.status_code = status
    return docker.errors.APIError(messages, answer, messages)


@pytest.fixture
def client() -> FakeClient:
    """Return a Swarm with two instances of web, with the heal label, and one of data-service."""
    made = FakeClient()
    made.serve("web", 2, **{"alertdrill.heal": "1"})
    made.serve("data-service", 1, **{"alertdrill.heal": "0"})
    return made


@pytest.fixture
def swarm(client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SwarmRuntime:
    """Return the runtime over it, with short timeouts."""
    monkeypatch.setattr(runtime, "TIMEOUT_S", 0.05)
    monkeypatch.setattr(runtime, "POLL_INTERVAL_S", 0.01)
    made = SwarmRuntime(StackSettings(tmp_path))
    engine: Any = made._engine
    engine._client = client
    return made
