"""Client of `/faults`, by which an instance of a service injects faults into itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .http import get_json, request

# An instance answers in milliseconds, even while every worker thread is busy.
TIMEOUT_S = 3.0


class Faults:
    """The faults of the instance whose operations are at `address`; it requires the `token`.

    Every method raises `UnreachableError` if the instance does not answer, or refuses.
    """

    def __init__(self, address: str, token: str) -> None:
        self.url = f"http://{address}/faults"
        self._token = token

    def active(self) -> list[str]:
        """Return the kinds of the active faults."""
        faults = get_json(self.url, timeout=TIMEOUT_S, token=self._token)["faults"]
        return [fault["kind"] for fault in faults if fault["active"]]

    def switch_on(self, kind: str, parameters: Mapping[str, Any]) -> None:
        """Switch a fault on, or change its parameters."""
        body, url = dict(parameters), f"{self.url}/{kind}"
        request("PUT", url, timeout=TIMEOUT_S, token=self._token, json=body)

    def switch_off(self, kind: str) -> None:
        """Switch a fault off; harmless if it is off."""
        request("DELETE", f"{self.url}/{kind}", timeout=TIMEOUT_S, token=self._token)
