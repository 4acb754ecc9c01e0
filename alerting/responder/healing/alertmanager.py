"""Alertmanager, asked whether an alert fires still: its last word may have got lost."""

from __future__ import annotations

from collections.abc import Mapping

import requests

# It answers within milliseconds; while it does not, notifications are taken at their word.
TIMEOUT = (0.5, 2.0)


class Alertmanager:
    """The API at `url`: https://prometheus.io/docs/alerting/latest/management_api/ is beside it."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def silenced(self) -> Mapping[str, bool] | None:
        """Return every alert that fires by its fingerprint, and whether somebody silenced it.

        None while it can't be asked.
        """
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(f"{self._url}/api/v2/alerts", timeout=TIMEOUT)
                answer.raise_for_status()
                return {
                    alert["fingerprint"]: bool(alert["status"]["silencedBy"])
                    for alert in answer.json()
                }
        except (requests.RequestException, KeyError, TypeError, ValueError):
            return None
