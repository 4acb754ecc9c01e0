"""Create the Grafana token for annotations, and store it in a file.

Standard library only, to use little memory in its container.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from .errors import AlertdrillError

ADMIN = "admin"
ACCOUNT = "alertdrill-annotations"
# The least of Grafana's roles that may write annotations that belong to no dashboard
# (fixed:annotations:writer); finer ones are Grafana Enterprise's.
ROLE = "Editor"
# Grafana answers within some milliseconds once it serves.
TIMEOUT_S = 5.0

Verdict = Literal["kept", "made"]


class TokenError(AlertdrillError):
    """Grafana issues no token; the text has the reason."""


@dataclass(frozen=True)
class GrafanaResponse:
    """A response's status and JSON."""

    status: int
    body: Any


class GrafanaClient:
    """The HTTP API of a Grafana at `url`, for its `admin`."""

    def __init__(self, url: str, password: str) -> None:
        self._parts = urlsplit(url)
        known = base64.b64encode(f"{ADMIN}:{password}".encode()).decode()
        self._admin = f"Basic {known}"

    def accepts(self, token: str) -> bool:
        """Return whether a token is valid; raise `TokenError` if Grafana fails."""
        answer = self._ask("GET", "/api/annotations?limit=1", f"Bearer {token}")
        if answer.status in (401, 403):
            return False
        _expect(answer, "looks at no token")
        return True

    def account(self) -> int:
        """Return the id of the service account; create it if missing."""
        found = self._admins("GET", f"/api/serviceaccounts/search?query={quote(ACCOUNT)}")
        for one in found["serviceAccounts"]:
            if one["name"] == ACCOUNT:
                return int(one["id"])
        made = self._admins("POST", "/api/serviceaccounts", {"name": ACCOUNT, "role": ROLE})
        return int(made["id"])

    def renew(self, account: int) -> str:
        """Return a new token of an account, and revoke the old ones."""
        tokens = f"/api/serviceaccounts/{account}/tokens"
        for old in self._admins("GET", tokens):
            self._admins("DELETE", f"{tokens}/{old['id']}")
        return str(self._admins("POST", tokens, {"name": ACCOUNT})["key"])

    def _admins(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        return _expect(self._ask(method, path, self._admin, body), f"refuses {method} {path}")

    def _ask(
        self, method: str, path: str, who: str, body: Mapping[str, str] | None = None
    ) -> GrafanaResponse:
        headers = {"Authorization": who, "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body)
        connection = HTTPConnection(self._parts.netloc, timeout=TIMEOUT_S)
        try:
            connection.request(method, f"{self._parts.path.rstrip('/')}{path}", sent, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException) as error:
            raise TokenError("Grafana does not answer.") from error
        finally:
            connection.close()
        try:
            return GrafanaResponse(answer.status, json.loads(text or b"null"))
        except ValueError as error:
            raise TokenError(f"Grafana's answer {answer.status} is no JSON.") from error


def _expect(answer: GrafanaResponse, otherwise: str) -> Any:
    """Return the body; raise `TokenError` unless the status is a good one."""
    if answer.status == 401:
        raise TokenError(
            "Grafana does not take the admin's password: it has another one since its first start."
        )
    if answer.status >= 300:
        said = answer.body.get("message", "") if isinstance(answer.body, dict) else ""
        raise TokenError(f"Grafana {otherwise} ({answer.status} {said}).".replace(" )", ")"))
    return answer.body


def ensure_token(grafana: GrafanaClient, file: Path, mode: int = 0o600) -> Verdict:
    """Ensure that a file has a valid token; keep the existing one while Grafana accepts it.

    Raises `TokenError` where Grafana does not answer or refuses.
    """
    try:
        old = file.read_text().strip()
    except FileNotFoundError:
        old = ""
    if old and grafana.accepts(old):
        return "kept"
    _write(file, grafana.renew(grafana.account()), mode)
    return "made"


def _write(file: Path, token: str, mode: int) -> None:
    """Write a file atomically, never readable by others."""
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as written:
        written.write(token)
    fresh.chmod(mode)  # whatever the umask is
    fresh.replace(file)
