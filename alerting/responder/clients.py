"""Clients of the APIs that healing uses: the control API and Alertmanager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import requests

from .errors import ControlApiError, ControlApiUnavailableError
from .validation import parse_rfc3339

InstanceState = Literal["ready", "unready", "down", "standby"]
# The states of the control API, and what they mean to a decision; other states are `unready`.
STATES: Mapping[str, InstanceState] = {
    "ready": "ready",
    "standby": "standby",
    "stopped": "down",
    "failed": "down",
}
# Each pair is a connect and a read timeout.
# To read the state, the control API probes each instance for up to a second.
STATE_TIMEOUT_S = (1.0, 5.0)
# A grace period is up to a minute, and an instance may need as long to become ready.
ACTION_TIMEOUT_S = (1.0, 130.0)
# Alertmanager answers within milliseconds; if it does not, notifications count.
ALERTMANAGER_TIMEOUT_S = (0.5, 2.0)
# The name of the responder in alertmanager.yml; alerts of other receivers are ignored.
RECEIVER = "responder"


def _request(method: str, url: str, **arguments: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the host is not for calls inside the stack
        return session.request(method, url, **arguments)


@dataclass(frozen=True)
class Instance:
    """An instance of a service; `healing_enabled` is true if it carries the heal label."""

    name: str
    service: str
    state: InstanceState
    healing_enabled: bool


@dataclass(frozen=True)
class Service:
    """A service: its current, minimum and maximum number of instances."""

    scale: int
    min_replicas: int
    max_replicas: int
    healing_enabled: bool


class ControlApiClient:
    """The API at `url`; every method raises `ControlApiError` with a sentence.

    It raises `ControlApiUnavailableError` if the API does not answer: then a retry makes sense.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def get_state(self) -> tuple[Sequence[Instance], Mapping[str, Service]]:
        """Return every instance of every service, and the scale of each service."""
        body = self._call("GET", "/instances", STATE_TIMEOUT_S)
        try:
            instances = [
                Instance(
                    item["name"],
                    item["service"],
                    STATES.get(item["state"], "unready"),
                    healing_enabled=item["healing_enabled"] is True,
                )
                for item in body["instances"]
            ]
            services = {
                name: Service(
                    item["scale"],
                    item["min_replicas"],
                    item["max_replicas"],
                    healing_enabled=item["healing_enabled"] is True,
                )
                for name, item in body["services"].items()
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise ControlApiError(
                f"The control API's answer has another form: {error!r}."
            ) from None
        return instances, services

    def restart(self, instance: str, grace_period: float | None, key: str) -> None:
        """Restart an instance and wait until it is ready.

        `grace_period` is in seconds; None leaves the instance that of its service.
        """
        body = {} if grace_period is None else {"grace_period": grace_period}
        self._call("POST", f"/instances/{instance}/restart", ACTION_TIMEOUT_S, body, key)

    def scale(self, service: str, instances: int, key: str) -> None:
        """Scale a service to a number of instances and wait until they are ready."""
        body = {"instances": instances}
        self._call("PUT", f"/services/{service}/scale", ACTION_TIMEOUT_S, body, key)

    def _call(
        self,
        method: str,
        path: str,
        timeout: tuple[float, float],
        body: Mapping[str, object] | None = None,
        key: str = "",
    ) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            response = _request(
                method, self._url + path, json=body, headers=headers, timeout=timeout
            )
            content = response.json()
        except requests.RequestException as error:
            reason = type(error).__name__  # the message is about the library's own objects
            raise ControlApiUnavailableError(
                f"The control API does not answer ({reason}): see `make logs S=control`."
            ) from error
        if response.status_code == 503:
            raise ControlApiUnavailableError(_detail(content, response.status_code))
        if not response.ok:
            raise ControlApiError(_detail(content, response.status_code))
        return content


def _detail(content: Any, status: int) -> str:
    detail = content.get("detail") if isinstance(content, dict) else None
    return str(detail or f"The control API answers {status}.")


@dataclass(frozen=True)
class AlertmanagerAlert:
    """An alert that fires, as Alertmanager has it.

    `notifies_responder` is false if the alert is silenced, inhibited or routed to other receivers.
    """

    fingerprint: str
    labels: Mapping[str, str]
    starts_at: datetime
    silenced: bool
    notifies_responder: bool

    @property
    def name(self) -> str:
        """Return its name."""
        return self.labels["alertname"]


class AlertmanagerClient:
    """The API at `url`, https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def firing_alerts(self) -> Mapping[str, AlertmanagerAlert] | None:
        """Return the alerts that fire by fingerprint; None if Alertmanager does not answer."""
        try:
            url = f"{self._url}/api/v2/alerts"
            response = _request("GET", url, timeout=ALERTMANAGER_TIMEOUT_S)
            response.raise_for_status()
            alerts = [_parse_alert(alert) for alert in response.json()]
        except (requests.RequestException, KeyError, TypeError, ValueError):
            return None
        return {alert.fingerprint: alert for alert in alerts}


def _parse_alert(alert: Mapping[str, Any]) -> AlertmanagerAlert:
    status, labels = alert["status"], dict(alert["labels"])
    return AlertmanagerAlert(
        fingerprint=alert["fingerprint"],
        labels={"alertname": "", **labels},
        starts_at=parse_rfc3339(alert["startsAt"]),
        silenced=bool(status["silencedBy"]),
        notifies_responder=status["state"] == "active"
        and any(receiver["name"] == RECEIVER for receiver in alert["receivers"]),
    )
