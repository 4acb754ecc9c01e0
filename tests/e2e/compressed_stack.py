"""A stack at a rehearsal's speed, as the tests of healing see it and what they do to it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import requests

from alertdrill.rehearsal.stack import own_settings
from alertdrill.runtimes import Instance
from alertdrill.runtimes.native import NativeRuntime
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.lb import LoadBalancer
from alertdrill.settings import StackSettings, load
from tests.e2e.stack import marked, poll_until

SPEED = 12.0
# As no test takes so long, what it fires lasts until it is ended.
LASTS = timedelta(minutes=10)
# Some are acted on only after a minute (`after`), which is 5 s at this speed.
LONG_ENOUGH = timedelta(seconds=6)
# What follows is waited for, and no measure: other tests have these cores, too.
# From an alert that fires to a decision: group wait or group interval (2.5 s), and a turn.
DECIDED = 60.0
# A graceful restart drains for 2 s at this speed and starts within another 3.
RESTARTED = 90.0
# While a storm of 500 comes in or ends, others wait for the responder.
ANSWERED = 60.0
Labels = Mapping[str, str]


def settings(home: Path, **changed: Any) -> StackSettings:
    """Return the settings of a stack of a test's own; `changed` are those that differ."""
    return replace(own_settings(replace(load(os.environ), home=home), SPEED), **changed)


def labels(alert: str, instance: str, service: str = "web", **more: str) -> Labels:
    """Return an alert's labels as its rule gives them."""
    return {
        "alertname": alert,
        "service": service,
        "instance": instance,
        "severity": "ticket",
        **more,
    }


@contextmanager
def running(folder: Path, **changed: Any) -> Iterator[CompressedStack]:
    """Start a stack of a test's own in a folder, and end it."""
    made = CompressedStack(settings(folder, **changed))
    try:
        made.runtime.up(lambda _: None)
        poll_until(made.all_serve, "every instance to serve", RESTARTED)
        yield made
    finally:
        made.runtime.down(lambda _: None)
    assert marked(made.settings.home / "native") == []


@dataclass
class CompressedStack:
    """A stack that runs natively at speed 12."""

    settings: StackSettings

    def __post_init__(self) -> None:
        self.runtime = NativeRuntime(self.settings)
        layout = Layout(self.settings.home / "native")
        self.lb = LoadBalancer(layout.lb_socket, layout.lb_state)

    # Instances

    def instance(self, name: str) -> Instance:
        """Return an instance as it is now."""
        return next(found for found in self.runtime.status() if found.name == name)

    def pid(self, name: str) -> int | None:
        """Return an instance's process, another one after each restart."""
        return self.instance(name).pid

    def all_serve(self) -> bool:
        """Tell whether every instance that is wanted serves, also to the load balancer."""
        wanted = [found for found in self.runtime.status() if found.state != "standby"]
        ours = [found for found in wanted if found.service in ("web", "data-service")]
        return all(found.state == "ready" for found in wanted) and all(
            self.lb.is_up(found.service, found.name) for found in ours
        )

    @contextmanager
    def hung(self, name: str) -> Iterator[None]:
        """Have an instance hang, until it is restarted or the block ends."""
        self.runtime.pause(name)
        try:
            yield
        finally:
            self.runtime.resume(name)  # nothing happens to a new process

    def make_unready(self, name: str) -> None:
        """Have an instance say that it can't serve, until it is restarted."""
        requests.put(
            f"http://{self.instance(name).address}/faults/unready",
            json={"duration": LASTS.total_seconds()},
            headers={"Authorization": f"Bearer {self.runtime.token()}"},
            timeout=5,
        ).raise_for_status()

    # Alertmanager

    def fire(self, *alerts: Labels, since: timedelta = timedelta()) -> None:
        """Have alerts fire as Prometheus would."""
        now = datetime.now(UTC)
        times = {"startsAt": (now - since).isoformat(), "endsAt": (now + LASTS).isoformat()}
        self._post("alerts", [{"labels": each, **times} for each in alerts])

    def end(self, *alerts: Labels) -> None:
        """Have alerts end as Prometheus would."""
        ended = {"endsAt": datetime.now(UTC).isoformat()}
        self._post("alerts", [{"labels": each, **ended} for each in alerts])

    def silence(self, name: str) -> str:
        """Silence all that is about an instance; return the silence's id."""
        now = datetime.now(UTC)
        matcher = {"name": "instance", "value": name, "isRegex": False, "isEqual": True}
        made = self._post(
            "silences",
            {
                "matchers": [matcher],
                "startsAt": now.isoformat(),
                "endsAt": (now + LASTS).isoformat(),
                "createdBy": "a test",
                "comment": "it is being looked at",
            },
        )
        return str(made.json()["silenceID"])

    def unsilence(self, silence: str) -> None:
        """End a silence."""
        url = f"{self.runtime.address('alertmanager')}/api/v2/silence/{silence}"
        requests.delete(url, timeout=5).raise_for_status()

    def alert_state(self, wanted: Labels) -> str:
        """Return Alertmanager's word for an alert, empty where it knows of none."""
        url = f"{self.runtime.address('alertmanager')}/api/v2/alerts"
        for found in requests.get(url, timeout=5).json():
            if wanted.items() <= found["labels"].items():
                return str(found["status"]["state"])
        return ""

    def _post(self, what: str, body: object) -> requests.Response:
        url = f"{self.runtime.address('alertmanager')}/api/v2/{what}"
        answer = requests.post(url, json=body, timeout=10)
        assert answer.ok, answer.text
        return answer

    # The responder

    def get(self, path: str, **query: str) -> Any:
        """Return what the responder says."""
        url = f"{self.runtime.address('responder')}{path}"
        answer = requests.get(url, params=query, timeout=ANSWERED)
        answer.raise_for_status()
        return answer.json()

    def order(self, path: str, token: str | None = None) -> requests.Response:
        """Tell the responder what to do, with its token unless another one is given."""
        given = self.runtime.responder_token() if token is None else token
        headers = {"Authorization": f"Bearer {given}"}
        url = f"{self.runtime.address('responder')}{path}"
        return requests.post(url, headers=headers, timeout=ANSWERED)

    def deliver(self, payload: object) -> str:
        """Deliver a notification as Alertmanager does; return what became of it."""
        url = f"{self.runtime.address('responder')}/webhook"
        answer = requests.post(url, json=payload, timeout=ANSWERED)
        answer.raise_for_status()
        return str(answer.json()["outcome"])

    def notification(self, status: Literal["firing", "resolved"], wanted: Labels) -> Any:
        """Return the payload of the newest notification of an alert that had this status."""
        query = {"status": status, "alert": wanted["alertname"], "instance": wanted["instance"]}
        found = self.get("/notifications", **query)
        return self.get(f"/notifications/{found[0]['id']}")["payload"] if found else None

    def last_action(self) -> int:
        """Return the number of the newest action, 0 without any."""
        found = self.get("/actions", limit="1")
        return int(found[0]["id"]) if found else 0

    def actions(self, after: int) -> Sequence[Mapping[str, Any]]:
        """Return the actions after the one of that number, oldest first."""
        return [each for each in reversed(self.get("/actions", limit="1000")) if each["id"] > after]

    def decision(self, wanted: Labels) -> tuple[str, str]:
        """Return the code and the reason of the newest decision about an alert's instance."""
        for found in self.get("/decisions", limit="1000"):
            about = (found["alert"], found["service"], found["instance"])
            if about == (wanted["alertname"], wanted["service"], wanted["instance"]):
                return found["code"], found["reason"]
        return "", ""

    def let_it_look_again(self) -> None:
        """Return once the responder has decided anew about everything that fires now."""
        marker = labels("InstanceHung", f"nobody-{time.monotonic_ns()}", "nobody")
        self.fire(marker)
        poll_until(lambda: self.decision(marker)[0], "the responder to look again", 10)
        self.end(marker)

    def wait_for_action(self, after: int, state: str) -> int:
        """Return the number of the first action after another, once it has a state."""

        def found() -> Sequence[int]:
            return [each["id"] for each in self.actions(after) if each["state"] == state]

        return poll_until(found, f"an action to be {state}", RESTARTED)[0]

    def wait_for_decision(self, alert: Labels, code: str) -> str:
        """Return the reason of the newest decision about an alert, once it has a code."""
        poll_until(lambda: self.decision(alert)[0] == code, f"the decision {code}", DECIDED)
        return self.decision(alert)[1]

    def done(self, after: int) -> list[tuple[str, str, str]]:
        """Return what was done after an action: its kind, its target and how it ended."""
        return [(each["kind"], each["target"], each["state"]) for each in self.actions(after)]
