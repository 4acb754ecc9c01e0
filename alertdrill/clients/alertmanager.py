"""Client of Alertmanager, which requires a password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .http import UnreachableError, get_json

# The only user; see prometheus/prometheus.yml.
USER = "alertdrill"


class Alertmanager:
    """A running Alertmanager at `url`; `password_file` has the password of its user."""

    def __init__(self, url: str, password_file: Path) -> None:
        self._url = url
        self._password_file = password_file

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """Return the alerts of a name, with their receivers and status.

        Raises `UnreachableError` if Alertmanager does not answer, or refuses the password.
        """
        query = {"filter": f'alertname="{name}"'}
        try:
            login = (USER, self._password_file.read_text(encoding="utf-8").strip())
            return list(get_json(f"{self._url}/api/v2/alerts", query, login=login))
        except OSError as error:
            raise UnreachableError(
                f"Alertmanager's password can't be read ({error.strerror}: {self._password_file}):"
                " restart the stack, which writes it."
            ) from error
        except UnreachableError as error:
            if error.status != 401:
                raise
            raise UnreachableError(
                f"Alertmanager refused the password in {self._password_file}: restart the stack,"
                " which writes its hash anew.",
                error.status,
                error.reason,
            ) from error
