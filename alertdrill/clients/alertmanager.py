"""Client of Alertmanager."""

from __future__ import annotations

from typing import Any

import yaml

from ..config.durations import parse_seconds
from .http import get_json


class Alertmanager:
    """A running Alertmanager at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def group_wait(self) -> float:
        """Return the default route's group wait in seconds."""
        config = yaml.safe_load(get_json(f"{self._url}/api/v2/status")["config"]["original"])
        return parse_seconds(config["route"]["group_wait"])

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """Return the alerts of a name, with their receivers and status."""
        return list(get_json(f"{self._url}/api/v2/alerts", {"filter": f'alertname="{name}"'}))
