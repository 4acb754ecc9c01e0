"""The one fake of the Docker engine for containers: it answers requests of the real client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from alertdrill.runtimes.engine import SERVICE_LABEL, ProjectEngine
from alertdrill.runtimes.errors import EngineError

# The state after an action, and the states in which the engine refuses it.
ACTIONS = {
    "start": ("running", ()),
    "stop": ("exited", ()),
    "restart": ("running", ()),
    "kill": ("exited", ("exited", "created")),
    "pause": ("paused", ("exited", "created", "paused")),
    "unpause": ("running", ("running", "exited", "created")),
}


class FakeEngine(ProjectEngine):
    """An engine with containers such as `web-1`, `web-2 exited` or `lb-1 running unhealthy`.

    It changes states at once, refuses what Docker refuses, and records every action in `calls`.
    """

    def __init__(self, *containers: str) -> None:
        super().__init__("unix:///nowhere", "alertdrill")
        self.states: dict[str, str] = {}
        self.health: dict[str, str] = {}
        self.labels: dict[str, dict[str, str]] = {}
        self.images: dict[str, str] = {}
        # What the last health check of an instance has printed.
        self.checks: dict[str, str] = {}
        self.exit_codes: dict[str, int] = {}
        self.calls: list[str] = []
        for words in containers:
            self.add(*words.split())

    def add(self, instance: str, state: str = "running", health: str = "healthy") -> None:
        self.states[instance], self.health[instance] = state, health

    def alive(self) -> list[str]:
        return [container.instance for container in self.running()]

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        body: object = None,
        timeout: float | None = None,
    ) -> bytes:
        if path == "/containers/json":
            assert query
            assert query["all"] == 1
            return json.dumps([self._row(instance) for instance in self.states]).encode()
        _, _, name, action = path.split("/")
        instance = name.removeprefix("alertdrill-")
        if instance not in self.states:
            raise EngineError("The engine refused: no such container.", 404)
        if method == "GET":
            assert action == "json"
            return json.dumps(self._details(instance)).encode()
        self._act(instance, action, {key: str(value) for key, value in (query or {}).items()})
        return b""

    def _act(self, instance: str, action: str, query: Mapping[str, str]) -> None:
        self.calls.append(" ".join([action, instance, *query.values()]))
        state, refused = ACTIONS[action]
        if self.states[instance] in refused:
            raise EngineError(f"The engine refused: {instance} is {self.states[instance]}.", 409)
        if query.get("signal") != "HUP":
            self.states[instance] = state

    def _row(self, instance: str) -> dict[str, Any]:
        return {
            "Id": f"id-{instance}",
            "Names": [f"/alertdrill-{instance}"],
            "Labels": {SERVICE_LABEL: instance.rpartition("-")[0]},
            "State": self.states[instance],
        }

    def _details(self, instance: str) -> dict[str, Any]:
        service, _, number = instance.rpartition("-")
        labels = {
            SERVICE_LABEL: service,
            "com.docker.compose.container-number": number,
            **self.labels.get(instance, {}),
        }
        state: dict[str, Any] = {
            "Status": self.states[instance],
            "Pid": 7 if self.states[instance] in ("running", "paused") else 0,
            "ExitCode": self.exit_codes.get(instance, 0),
            "StartedAt": "2026-11-24T10:00:00.123456789Z",
        }
        if self.health[instance] != "none":
            state["Health"] = {"Status": self.health[instance]}
        if instance in self.checks:
            state["Health"]["Log"] = [{"Output": self.checks[instance]}]
        return {
            "Name": f"/alertdrill-{instance}",
            "Image": self.images.get(instance, ""),
            "Config": {"Labels": labels},
            "State": state,
        }
