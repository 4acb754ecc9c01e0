"""Clients of the APIs that healing uses: the control API, Alertmanager, Prometheus and Loki."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from pydantic import ValidationError

from .errors import ControlApiError, ControlApiUnavailableError
from .validation import Body, first_error, parse_rfc3339

# Each pair is a connect and a read timeout.
# To read the state, the control API probes each instance for up to a second.
STATE_TIMEOUT_S = (1.0, 5.0)
# A grace period is up to a minute, and an instance may need as long to become ready.
ACTION_TIMEOUT_S = (1.0, 130.0)
# Alertmanager answers within milliseconds; if it does not, notifications count.
ALERTMANAGER_TIMEOUT_S = (0.5, 2.0)
# Prometheus and Loki have the state of each alert in memory.
EVALUATOR_TIMEOUT_S = (0.5, 2.0)
# The name of the responder in alertmanager.yml; alerts of other receivers are ignored.
RECEIVER = "responder"
# The only user of Alertmanager; see prometheus/prometheus.yml.
ALERTMANAGER_USER = "alertdrill"

log = logging.getLogger("healing")


class Instance(Body):
    """An instance of a service; `healing_enabled` is true if it carries the heal label."""

    name: str
    service: str
    state: str
    healing_enabled: bool


class Service(Body):
    """A service: its current, minimum and maximum number of instances."""

    scale: int
    min_replicas: int
    max_replicas: int
    healing_enabled: bool


class StackState(Body):
    """Every instance of every service, and the scale of each service."""

    instances: list[Instance]
    services: dict[str, Service]


def _request(method: str, url: str, **arguments: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the host is not for calls inside the stack
        return session.request(method, url, **arguments)


class ControlApiClient:
    """The API at `url`; every method raises `ControlApiError` with a sentence.

    It raises `ControlApiUnavailableError` if the API does not answer: then a retry makes sense.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def get_state(self) -> StackState:
        """Return the state of the stack."""
        try:
            return StackState.model_validate(self._call("GET", "/instances", STATE_TIMEOUT_S))
        except ValidationError as error:
            _, message = first_error(error)
            raise ControlApiError(f"The control API's answer has another form: {message}") from None

    def restart(self, instance: str, grace_period: float | None, key: str) -> None:
        """Restart an instance and wait until it is ready.

        `grace_period` is in seconds; None leaves the instance that of its service. The idempotency
        `key` lets the API recognize a retry.
        """
        body = {} if grace_period is None else {"grace_period": grace_period}
        path = f"/instances/{instance}/restart"
        self._call("POST", path, ACTION_TIMEOUT_S, json=body, key=key)

    def scale(self, service: str, instances: int, key: str) -> None:
        """Scale a service to a number of instances and wait until they are ready."""
        body, path = {"instances": instances}, f"/services/{service}/scale"
        self._call("PUT", path, ACTION_TIMEOUT_S, json=body, key=key)

    def _call(
        self, method: str, path: str, timeout: tuple[float, float], *, key: str = "", **body: Any
    ) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        if key:
            # The lines of the control API about this action have the key as their request id.
            headers |= {"Idempotency-Key": key, "X-Request-ID": key}
        try:
            url = self._url + path
            response = _request(method, url, headers=headers, timeout=timeout, **body)
            content = response.json()
        except requests.RequestException as error:
            reason = type(error).__name__  # the message is about the library's own objects
            raise ControlApiUnavailableError(
                f"The control API does not answer ({reason}): see `make logs S=control`."
            ) from error
        if response.ok:
            return content
        detail = content.get("detail") if isinstance(content, dict) else None
        unavailable = response.status_code == 503
        raise (ControlApiUnavailableError if unavailable else ControlApiError)(
            detail or f"The control API answers {response.status_code}."
        )


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
    annotations: Mapping[str, str] = field(default_factory=dict)
    generator_url: str = ""

    @property
    def name(self) -> str:
        """Return its name."""
        return self.labels.get("alertname", "")


class AlertmanagerClient:
    """The API at `url`, https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml.

    `password_file` has the password of its user, if it asks for one; it is read for each request.
    """

    def __init__(self, url: str, password_file: Path | None = None) -> None:
        self._url = url.rstrip("/")
        self._password_file = password_file
        self._refused = False

    def firing_alerts(self) -> Mapping[str, AlertmanagerAlert] | None:
        """Return the alerts that fire by fingerprint; None if Alertmanager does not answer."""
        try:
            url = f"{self._url}/api/v2/alerts"
            response = _request("GET", url, timeout=ALERTMANAGER_TIMEOUT_S, auth=self._login())
            self._report_refusal(response.status_code == 401)
            response.raise_for_status()
            return {
                alert["fingerprint"]: AlertmanagerAlert(
                    fingerprint=alert["fingerprint"],
                    labels=dict(alert["labels"]),
                    starts_at=parse_rfc3339(alert["startsAt"]),
                    silenced=bool(alert["status"]["silencedBy"]),
                    notifies_responder=alert["status"]["state"] == "active"
                    and any(receiver["name"] == RECEIVER for receiver in alert["receivers"]),
                    annotations=dict(alert.get("annotations", {})),
                    generator_url=str(alert.get("generatorURL", "")),
                )
                for alert in response.json()
            }
        except (requests.RequestException, KeyError, TypeError, ValueError):
            return None

    def _login(self) -> tuple[str, str] | None:
        if self._password_file is None:
            return None
        try:
            return ALERTMANAGER_USER, self._password_file.read_text(encoding="utf-8").strip()
        except OSError:  # Alertmanager refuses the request
            return None

    def _report_refusal(self, refused: bool) -> None:
        """Log a refusal once, not at every poll."""
        if refused and not self._refused:
            log.error(
                "Alertmanager refused the password in %s: restart the stack, which writes its hash"
                " anew. Until then notifications count.",
                self._password_file or "ALERTMANAGER_PASSWORD_FILE, which is not set",
            )
        self._refused = refused


class RuleEvaluators:
    """Prometheus at `prometheus_url` and, with a `loki_url`, Loki: they evaluate the rules.

    https://prometheus.io/docs/prometheus/latest/querying/api/#alerts, and
    https://grafana.com/docs/loki/latest/reference/loki-http-api/#list-alerts.
    """

    def __init__(self, prometheus_url: str, loki_url: str = "") -> None:
        self._urls = [f"{prometheus_url.rstrip('/')}/api/v1/alerts"]
        if loki_url:
            self._urls.append(f"{loki_url.rstrip('/')}/prometheus/api/v1/alerts")

    def firing_alerts(self) -> Sequence[Mapping[str, str]]:
        """Return the labels of each alert that fires; none of a program that does not answer."""
        return [labels for url in self._urls for labels in _firing(url)]


def _firing(url: str) -> Sequence[Mapping[str, str]]:
    try:
        response = _request("GET", url, timeout=EVALUATOR_TIMEOUT_S)
        response.raise_for_status()
        alerts = response.json()["data"]["alerts"]
        return [dict(alert["labels"]) for alert in alerts if alert["state"] == "firing"]
    except (requests.RequestException, KeyError, TypeError, ValueError):
        return []
