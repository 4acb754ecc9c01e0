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

from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.swarm import runtime
from alertdrill.runtimes.swarm.runtime import SwarmRuntime

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
        self._numbers = itertools.count(1)

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
        number = next(self._numbers)
        state, error = self.fate
        task = {
            "ID": f"t{number}",
            "CreatedAt": f"2026-11-26T03:43:{number:02}.5Z",
            "ServiceID": f"id-{service}",
            "Slot": slot,
            "NodeID": self.node,
            "DesiredState": "running",
            "Status": {
                "Timestamp": NOW,
                "State": state,
                "Err": error,
                "ContainerStatus": {"ContainerID": f"c{number}", "PID": 70 + number},
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
        own = [row for row in self.rows if row["ServiceID"] == f"id-{service}"]
        return [row for row in own if row["DesiredState"] == "running"]

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
                "Names": [f"/alertdrill_web.{row['Slot']}.{row['ID']}"],
                "Labels": {"com.docker.swarm.task.id": row["ID"]},
                "State": self.states.get(row["ID"], "running"),
                "Status": "Up 6 seconds",
            }
            for row in self.rows
            if row["NodeID"] == "here"
        ]

    def stop(self, name: str, timeout: int) -> None:
        self.changes.append(("stop", name, timeout))
        task = next(row for row in self.rows if row["ID"] == name.rpartition(".")[2])
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
    fake = FakeClient()
    fake.serve("web", 2, **{"alertdrill.heal": "1"})
    fake.serve("data-service", 1, **{"alertdrill.heal": "0"})
    return fake


@pytest.fixture
def swarm(client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SwarmRuntime:
    """Return the runtime over it, with short timeouts."""
    monkeypatch.setattr(runtime, "TIMEOUT_S", 0.05)
    monkeypatch.setattr(runtime, "POLL_INTERVAL_S", 0.01)
    swarm = SwarmRuntime(StackSettings(tmp_path))
    engine: Any = swarm._engine
    engine._client = client
    return swarm
