"""A fake Swarm: it answers like a manager's engine, and changes take effect at once."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.runtimes.engine import EngineClient
from alertdrill.runtimes.errors import EngineError
from alertdrill.runtimes.swarm import runtime
from alertdrill.runtimes.swarm.runtime import SwarmRuntime

NOW = "2026-11-26T03:43:09.019876894Z"
Task = dict[str, Any]


class FakeSwarm(EngineClient):
    """A manager's engine; `changes` records the writing calls."""

    def __init__(self) -> None:
        super().__init__("unix:///nowhere")
        self.changes: list[tuple[object, ...]] = []
        self.specs: dict[str, dict[str, Any]] = {}
        self.rows: list[Task] = []
        self.states: dict[str, str] = {}
        # The nodes of this engine's containers, and the state and error of new tasks.
        self.node = "here"
        self.fate = ("running", "")
        # The number of conflicting updates, a hook that runs before each read, and a refusal.
        self.conflicts = 0
        self.before_look: Callable[[], None] = lambda: None
        self.refusal: EngineError | None = None
        self._version = itertools.count(10)
        self._numbers = itertools.count(1)

    def serve(self, name: str, replicas: int, **labels: str) -> None:
        """Deploy a service, with as many tasks as it has replicas."""
        self.specs[name] = {
            "Name": f"alertdrill_{name}",
            "Labels": {"com.docker.stack.namespace": "alertdrill", **labels},
            "TaskTemplate": {
                "ContainerSpec": {"Image": "busybox", "StopGracePeriod": 25_000_000_000},
                "RestartPolicy": {"Condition": "any", "Delay": 1_000_000_000},
            },
            "Mode": {"Replicated": {"Replicas": replicas}},
            "EndpointSpec": {"Mode": "dnsrr"},
        }
        for number in range(1, replicas + 1):
            self.begin(name, number)

    def begin(self, service: str, slot: int) -> None:
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
            },
        }
        self.rows.append(task)

    def end(self, task: Task, state: str = "failed", error: str = "", wanted: str = "") -> None:
        """End a task."""
        task["DesiredState"] = wanted or "shutdown"
        task["Status"] |= {"State": state, "Err": error, "ContainerStatus": {"PID": 0}}

    def live(self, service: str) -> list[Task]:
        own = [row for row in self.rows if row["ServiceID"] == f"id-{service}"]
        return [row for row in own if row["DesiredState"] == "running"]

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        body: Any = None,
        timeout: float | None = None,
    ) -> bytes:
        query = query or {}
        if self.refusal and method == "POST":
            raise self.refusal
        if "filters" in query:
            filters = json.loads(str(query["filters"]))
            assert filters == {"label": ["com.docker.stack.namespace=alertdrill"]}
        match path.strip("/").split("/"):
            case ["services"]:
                self.before_look()
                return json.dumps([self._service(name) for name in self.specs]).encode()
            case ["tasks"]:
                return json.dumps(self.tasks()).encode()
            case ["containers", "json"]:
                return json.dumps(self._containers()).encode()
            case ["services", name]:
                return json.dumps(self._service(name.removeprefix("id-"))).encode()
            case ["containers", name, "stop"]:
                self._stop(name, query.get("t"))
            case ["services", name, "update"]:
                self._update(name.removeprefix("id-"), body)
            case _:
                raise AssertionError(path)
        return b"{}"

    def tasks(self) -> list[Task]:
        return self.rows

    def _service(self, name: str) -> dict[str, Any]:
        version = {"Index": next(self._version)}
        return {"ID": f"id-{name}", "Version": version, "Spec": copy.deepcopy(self.specs[name])}

    def _containers(self) -> list[dict[str, Any]]:
        return [
            {
                "Names": [f"/alertdrill_web.{row['Slot']}.{row['ID']}"],
                "Labels": {"com.docker.swarm.task.id": row["ID"]},
                "State": self.states.get(row["ID"], "running").split()[0],
                "Status": f"Up 6 seconds {self.states.get(row['ID'], '').partition(' ')[2]}",
            }
            for row in self.rows
            if row["NodeID"] == "here"
        ]

    def _stop(self, name: str, timeout: object) -> None:
        self.changes.append(("stop", name, timeout))
        task = next(row for row in self.rows if row["ID"] == name.rpartition(".")[2])
        self.end(task, "failed", "task: non-zero exit (137)")
        self.begin(task["ServiceID"].removeprefix("id-"), task["Slot"])

    def _update(self, name: str, spec: dict[str, Any]) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise EngineError("The engine refused: rpc error: update out of sequence.", 500)
        count = spec["Mode"]["Replicated"]["Replicas"]
        self.changes.append(("update", f"id-{name}", count))
        # Any other change would replace the tasks.
        assert {**spec, "Mode": None} == {**self.specs[name], "Mode": None}
        self.specs[name] = spec
        live = self.live(name)
        for number in range(len(live) + 1, count + 1):
            self.begin(name, number)
        for task in live[count:]:
            self.end(task, "shutdown", wanted="remove")


@pytest.fixture
def client() -> FakeSwarm:
    """Return a Swarm with two instances of web, with the heal label, and one of data-service."""
    fake = FakeSwarm()
    fake.serve("web", 2, **{"alertdrill.heal": "1"})
    fake.serve("data-service", 1, **{"alertdrill.heal": "0"})
    return fake


@pytest.fixture
def swarm(client: FakeSwarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SwarmRuntime:
    """Return the runtime over it, with short timeouts."""
    monkeypatch.setattr(runtime, "TIMEOUT_S", 0.05)
    monkeypatch.setattr(runtime, "POLL_INTERVAL_S", 0.01)
    swarm = SwarmRuntime(StackSettings(tmp_path))
    swarm._engine = client
    return swarm
