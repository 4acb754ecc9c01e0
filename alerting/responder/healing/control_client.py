"""A client of the runtime's control API, through which every action goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import requests

from ..errors import ControlApiError, ControlApiUnavailableError
from .snapshot import Instance, InstanceState, Service

# The states of the control API, and what they mean to a decision; other states are `unready`.
STATES: Mapping[str, InstanceState] = {
    "ready": "ready",
    "standby": "standby",
    "stopped": "down",
    "failed": "down",
}
# Connect and read timeouts. To read the state, the API probes each instance for up to a second.
READ_TIMEOUT_S = (1.0, 5.0)
# A grace period is up to a minute, and an instance may need as long to become ready.
ACTION_TIMEOUT_S = (1.0, 130.0)


class ControlApiClient:
    """The API at `url`; every method raises `ControlApiError` with a sentence.

    It raises `ControlApiUnavailableError` if the API does not answer: then a retry makes sense.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def get_state(self) -> tuple[Sequence[Instance], Mapping[str, Service]]:
        """Return every instance of every service, and the scale of each service."""
        body = self._request("GET", "/instances", READ_TIMEOUT_S)
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
        self._request("POST", f"/instances/{instance}/restart", ACTION_TIMEOUT_S, body, key)

    def scale(self, service: str, instances: int, key: str) -> None:
        """Scale a service to a number of instances and wait until they are ready."""
        body = {"instances": instances}
        self._request("PUT", f"/services/{service}/scale", ACTION_TIMEOUT_S, body, key)

    def _request(
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
            with requests.Session() as session:
                session.trust_env = False  # a proxy of the host is not for calls inside the stack
                response = session.request(
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
