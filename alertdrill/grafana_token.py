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
# The lowest basic role that may write annotations outside a dashboard (fixed:annotations:writer);
# finer roles need Grafana Enterprise.
ROLE = "Editor"
# A ready Grafana responds within milliseconds.
TIMEOUT_S = 5.0

TokenState = Literal["valid", "new"]


class TokenError(AlertdrillError):
    """Grafana issues no token; the message has the reason."""


@dataclass(frozen=True)
class GrafanaResponse:
    """A response's status and JSON."""

    status: int
    body: Any


class GrafanaClient:
    """The HTTP API of a Grafana at `url`, for its `admin`."""

    def __init__(self, url: str, password: str) -> None:
        self._parts = urlsplit(url)
        credentials = base64.b64encode(f"{ADMIN}:{password}".encode()).decode()
        self._admin = f"Basic {credentials}"

    def accepts(self, token: str) -> bool:
        """Return whether a token is valid; raise `TokenError` if Grafana fails."""
        response = self._request("GET", "/api/annotations?limit=1", f"Bearer {token}")
        if response.status in (401, 403):
            return False
        _expect_success(response, "did not check the token")
        return True

    def account(self) -> int:
        """Return the id of the service account; create it if missing."""
        query = f"/api/serviceaccounts/search?query={quote(ACCOUNT)}"
        for account in self._admin_request("GET", query)["serviceAccounts"]:
            if account["name"] == ACCOUNT:
                return int(account["id"])
        new = {"name": ACCOUNT, "role": ROLE}
        return int(self._admin_request("POST", "/api/serviceaccounts", new)["id"])

    def renew(self, account: int) -> str:
        """Return a new token of an account, and revoke the old ones."""
        tokens = f"/api/serviceaccounts/{account}/tokens"
        for old in self._admin_request("GET", tokens):
            self._admin_request("DELETE", f"{tokens}/{old['id']}")
        return str(self._admin_request("POST", tokens, {"name": ACCOUNT})["key"])

    def _admin_request(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        response = self._request(method, path, self._admin, body)
        return _expect_success(response, f"refused {method} {path}")

    def _request(
        self, method: str, path: str, authorization: str, body: Mapping[str, str] | None = None
    ) -> GrafanaResponse:
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        connection = HTTPConnection(self._parts.netloc, timeout=TIMEOUT_S)
        try:
            connection.request(method, f"{self._parts.path.rstrip('/')}{path}", content, headers)
            response = connection.getresponse()
            text = response.read()
        except (OSError, HTTPException) as error:
            raise TokenError("Grafana does not respond.") from error
        finally:
            connection.close()
        try:
            return GrafanaResponse(response.status, json.loads(text or b"null"))
        except ValueError as error:
            raise TokenError(f"Grafana's response {response.status} is not JSON.") from error


def _expect_success(response: GrafanaResponse, failure: str) -> Any:
    """Return the body; raise `TokenError` if the status is an error."""
    if response.status == 401:
        raise TokenError(
            "Grafana refuses the admin's password: it keeps the password of its first start."
        )
    if response.status >= 300:
        body = response.body
        message = body.get("message", "") if isinstance(body, dict) else ""
        raise TokenError(f"Grafana {failure} ({response.status} {message}).".replace(" )", ")"))
    return response.body


def ensure_token(grafana: GrafanaClient, file: Path, mode: int = 0o600) -> TokenState:
    """Ensure that a file has a valid token; keep the existing one while Grafana accepts it.

    Raises `TokenError` if Grafana does not respond, or refuses.
    """
    try:
        old = file.read_text().strip()
    except FileNotFoundError:
        old = ""
    if old and grafana.accepts(old):
        return "valid"
    _write(file, grafana.renew(grafana.account()), mode)
    return "new"


def _write(file: Path, token: str, mode: int) -> None:
    """Write a file atomically, never readable by others."""
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as output:
        output.write(token)
    fresh.chmod(mode)  # regardless of the umask
    fresh.replace(file)
