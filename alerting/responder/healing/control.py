"""The runtime's control API: the only way in which anything is done to an instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import requests

from ..errors import ControlAwayError, ControlError
from .world import Instance, Service, State

# The runtime's words, and what they mean for a decision. `stopped` is one that should run.
STATES: Mapping[str, State] = {
    "ready": "ready",
    "standby": "standby",
    "stopped": "down",
    "failed": "down",
}
# To look: every instance is asked whether it serves, for a second at most.
LOOK = (1.0, 5.0)
# To act: the longest grace is a minute, and an instance may take as long to serve.
ACT = (1.0, 130.0)


class Control:
    """The API at `url`; every method raises `ControlError` with a sentence.

    It is a `ControlAwayError` where nobody answers: then the same can be asked for again.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def look(self) -> tuple[Sequence[Instance], Mapping[str, Service]]:
        """Return every instance of every service, and how each service scales."""
        found = self._ask("GET", "/instances", LOOK)
        try:
            instances = [
                Instance(
                    each["name"],
                    each["service"],
                    STATES.get(each["state"], "unready"),
                    heals=each["heals"] is True,
                )
                for each in found["instances"]
            ]
            services = {
                name: Service(
                    each["scale"],
                    each["min_replicas"],
                    each["max_replicas"],
                    heals=each["heals"] is True,
                )
                for name, each in found["services"].items()
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise ControlError(f"The control API is not understood: {error!r}.") from None
        return instances, services

    def restart(self, instance: str, grace_period: float | None, key: str) -> None:
        """Restart an instance and wait until it is ready.

        `grace_period` is in seconds; None leaves the instance that of its service.
        """
        body = {} if grace_period is None else {"grace_period": grace_period}
        self._ask("POST", f"/instances/{instance}/restart", ACT, body, key)

    def scale(self, service: str, instances: int, key: str) -> None:
        """Have so many instances of a service serve, and wait until they do."""
        self._ask("PUT", f"/services/{service}/scale", ACT, {"instances": instances}, key)

    def _ask(
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
                answer = session.request(
                    method, self._url + path, json=body, headers=headers, timeout=timeout
                )
            found = answer.json()
        except requests.RequestException as error:
            said = type(error).__name__  # its own words are of the library's inside
            raise ControlAwayError(
                f"The control API does not answer ({said}): look at `make logs S=control`."
            ) from error
        if answer.status_code == 503:
            raise ControlAwayError(_detail(found, answer.status_code))
        if not answer.ok:
            raise ControlError(_detail(found, answer.status_code))
        return found


def _detail(found: Any, status: int) -> str:
    said = found.get("detail") if isinstance(found, dict) else None
    return str(said or f"The control API answers {status}.")
