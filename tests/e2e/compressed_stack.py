"""A native stack with time compression, and what the tests of healing do to it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
import requests

from alertdrill.clients.alertmanager import USER
from alertdrill.config.settings import StackSettings, load
from alertdrill.runtimes.base import Instance
from alertdrill.runtimes.native.runtime import NativeRuntime
from alertdrill.timescale.ephemeral_stack_settings import ephemeral_settings
from tests.e2e.stack import poll_until, processes_of

SPEED = 12.0
# Longer than any test, so that an alert fires until the test ends it.
ALERT_DURATION = timedelta(minutes=10)
# Timeouts, in seconds; they measure nothing, since other tests use the same cores.
# From an alert that fires to a decision: group wait or group interval (2.5 s), and a poll.
DECISION_TIMEOUT_S = 60.0
# A graceful restart drains for 2 s at this speed and starts within another 3.
RESTART_TIMEOUT_S = 90.0
# While a storm of 500 alerts arrives or ends, other requests to the responder wait.
RESPONSE_TIMEOUT_S = 60.0
Labels = Mapping[str, str]


def settings(home: Path, **changed: Any) -> StackSettings:
    """Return the settings of a test's own stack; `changed` are those that differ."""
    return replace(ephemeral_settings(replace(load(os.environ), home=home), SPEED), **changed)


def labels(alert: str, instance: str, service: str = "web", **more: str) -> Labels:
    """Return the labels that an alert's rule would set."""
    return {
        "alertname": alert,
        "service": service,
        "instance": instance,
        "severity": "ticket",
        **more,
    }


@contextmanager
def running(folder: Path, **changed: Any) -> Iterator[CompressedStack]:
    """Start a test's own stack in a folder, and stop it after the block."""
    stack = CompressedStack(settings(folder, **changed))
    try:
        stack.runtime.up(lambda _: None)
        poll_until(stack.all_ready, "every instance to be ready", RESTART_TIMEOUT_S)
        yield stack
    finally:
        stack.runtime.down(lambda _: None)
    assert processes_of(stack.settings.home / "native") == []


@dataclass
class CompressedStack:
    """A stack that runs natively at speed 12, for tests that fire alerts and watch the healing."""

    settings: StackSettings

    def __post_init__(self) -> None:
        self.runtime = NativeRuntime(self.settings)
        self.lb = self.runtime.lb
        self._rules: dict[tuple[tuple[str, str], ...], object] = {}

    # Instances

    def instance(self, name: str) -> Instance:
        """Return an instance as it is now."""
        return next(instance for instance in self.runtime.status() if instance.name == name)

    def pid(self, name: str) -> int | None:
        """Return the process id of an instance, which every restart changes."""
        return self.instance(name).pid

    def all_ready(self) -> bool:
        """Return whether every active instance is ready, also for the load balancer."""
        active = [instance for instance in self.runtime.status() if instance.state != "standby"]
        balanced = [instance for instance in active if instance.service in ("web", "data-service")]
        return all(instance.state == "ready" for instance in active) and all(
            self.lb.is_up(instance.service, instance.name) for instance in balanced
        )

    @contextmanager
    def hung(self, name: str) -> Iterator[None]:
        """Freeze an instance until it is restarted or the block ends."""
        self.runtime.pause(name)
        try:
            yield
        finally:
            self.runtime.resume(name)  # a new process ignores it

    # Alertmanager

    def fire(self, *alerts: Labels) -> None:
        """Let alerts fire in Prometheus, until `resolve`."""
        self._evaluate("vector(1)", alerts)

    def resolve(self, *alerts: Labels) -> None:
        """Let alerts no longer fire; return when Alertmanager has resolved them."""
        self._evaluate("vector(1) > 1", alerts)

        def fires() -> bool:
            current = [alert["labels"] for alert in self._current_alerts()]
            return any(a.items() <= labels.items() for labels in current for a in alerts)

        poll_until(lambda: not fires(), "the alerts to be resolved", DECISION_TIMEOUT_S)

    def _evaluate(self, expression: str, alerts: Sequence[Labels]) -> None:
        """Give rules to Prometheus; each keeps its state while its name and labels are the same."""
        for alert in alerts:
            name, labels = alert["alertname"], {**alert}
            del labels["alertname"]
            rule = {"alert": name, "expr": expression, "labels": labels}
            self._rules[tuple(sorted(alert.items()))] = rule
        groups = {"groups": [{"name": "test", "rules": list(self._rules.values())}]}
        self.runtime.break_config("prometheus", "rules.d/test.yml", json.dumps(groups))

    def post(self, *alerts: Labels, duration: timedelta = ALERT_DURATION) -> None:
        """Post alerts to Alertmanager that fire nowhere, as one who knows the password can."""
        now = datetime.now(UTC)
        times = {"startsAt": now.isoformat(), "endsAt": (now + duration).isoformat()}
        self._post("alerts", [{"labels": alert, **times} for alert in alerts])

    def silence(self, name: str) -> str:
        """Silence every alert of an instance; return the id of the silence."""
        now = datetime.now(UTC)
        matcher = {"name": "instance", "value": name, "isRegex": False, "isEqual": True}
        response = self._post(
            "silences",
            {
                "matchers": [matcher],
                "startsAt": now.isoformat(),
                "endsAt": (now + ALERT_DURATION).isoformat(),
                "createdBy": "a test",
                "comment": "a test silences it",
            },
        )
        return str(response.json()["silenceID"])

    def unsilence(self, silence: str) -> None:
        """Delete a silence."""
        url = f"{self.runtime.address('alertmanager')}/api/v2/silence/{silence}"
        requests.delete(url, auth=self._login(), timeout=5).raise_for_status()

    def alert_state(self, alert: Labels) -> str:
        """Return the state of an alert in Alertmanager; empty where it has no such alert."""
        for current in self._current_alerts():
            if alert.items() <= current["labels"].items():
                return str(current["status"]["state"])
        return ""

    def _current_alerts(self) -> Sequence[Mapping[str, Any]]:
        url = f"{self.runtime.address('alertmanager')}/api/v2/alerts"
        response = requests.get(url, auth=self._login(), timeout=5)
        alerts: Sequence[Mapping[str, Any]] = response.json()
        return alerts

    def _post(self, resource: str, body: object) -> requests.Response:
        url = f"{self.runtime.address('alertmanager')}/api/v2/{resource}"
        response = requests.post(url, json=body, auth=self._login(), timeout=10)
        assert response.ok, response.text
        return response

    def _login(self) -> tuple[str, str]:
        return USER, self.runtime.alertmanager_password_file().read_text()

    # The responder

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON of a resource of the responder."""
        url = f"{self.runtime.address('responder')}{path}"
        response = requests.get(url, params=query, timeout=RESPONSE_TIMEOUT_S)
        response.raise_for_status()
        return response.json()

    def command(self, path: str, token: str | None = None) -> requests.Response:
        """Post a command to the responder, with its own token by default."""
        bearer = self.runtime.responder_token() if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"}
        url = f"{self.runtime.address('responder')}{path}"
        return requests.post(url, headers=headers, timeout=RESPONSE_TIMEOUT_S)

    def deliver(self, payload: object) -> str:
        """Deliver a notification as Alertmanager does; return its outcome."""
        url = f"{self.runtime.address('responder')}/webhook"
        login = (USER, self.runtime.alertmanager_password_file().read_text())
        response = requests.post(url, json=payload, auth=login, timeout=RESPONSE_TIMEOUT_S)
        response.raise_for_status()
        return str(response.json()["outcome"])

    def notification(self, status: Literal["firing", "resolved"], alert: Labels) -> Any:
        """Return the payload of the newest notification of an alert that had this status."""
        query = {"status": status, "alert": alert["alertname"], "instance": alert["instance"]}
        stored = self.get("/notifications", **query)
        return self.get(f"/notifications/{stored[0]['id']}")["payload"] if stored else None

    def last_action(self) -> int:
        """Return the number of the newest action, 0 without any."""
        newest = self.get("/actions", limit="1")
        return int(newest[0]["id"]) if newest else 0

    def actions(self, after: int) -> Sequence[Mapping[str, Any]]:
        """Return the actions after the one of that number, oldest first."""
        actions = self.get("/actions", limit="1000")
        return [action for action in reversed(actions) if action["id"] > after]

    def decision(self, alert: Labels) -> tuple[str, str]:
        """Return the code and the reason of the newest decision about an alert's instance."""
        target = (alert["alertname"], alert["service"], alert["instance"])
        for decision in self.get("/decisions", limit="1000"):
            if (decision["alert"], decision["service"], decision["instance"]) == target:
                return decision["code"], decision["reason"]
        return "", ""

    def wait_for_reconcile(self) -> None:
        """Wait until the responder has decided again about every alert that fires now."""
        marker = labels("InstanceHung", f"unknown-{time.monotonic_ns()}", "unknown")
        self.fire(marker)
        poll_until(lambda: self.decision(marker)[0], "the responder to decide again", 10)
        self.resolve(marker)

    def wait_for_action(self, after: int, state: str) -> int:
        """Return the number of the first action after another, once it has a state."""

        deadline = time.monotonic() + RESTART_TIMEOUT_S
        while time.monotonic() < deadline:
            actions = self.actions(after)
            for action in actions:
                if action["state"] == state:
                    return int(action["id"])
            time.sleep(0.2)
        pytest.fail(f"No action is {state} after {RESTART_TIMEOUT_S:.0f} s: {actions}")

    def wait_for_decision(self, alert: Labels, code: str) -> str:
        """Return the reason of the newest decision about an alert, once it has a code."""
        poll_until(
            lambda: self.decision(alert)[0] == code, f"the decision {code}", DECISION_TIMEOUT_S
        )
        return self.decision(alert)[1]

    def results(self, after: int) -> list[tuple[str, str, str]]:
        """Return kind, target and state of the actions after the one of that number."""
        return [
            (action["kind"], action["target"], action["state"]) for action in self.actions(after)
        ]
