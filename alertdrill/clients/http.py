"""HTTP requests to the components of a stack.

Each request goes straight to its address: the host's proxies and ~/.netrc are not for the loopback
and the internal networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from ..errors import AlertdrillError

# In seconds. A query over thirty days of history takes a second or two on a busy machine.
TIMEOUT_S = 10.0
# In characters: the reason of a refusal, without a whole page.
MAX_REASON_LENGTH = 300


class UnreachableError(AlertdrillError):
    """A component does not answer, or refuses the request with a `status` and a `reason`."""

    def __init__(self, message: str, status: int | None = None, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


def new_session() -> requests.Session:
    """Return a session that ignores the settings of the host."""
    session = requests.Session()
    session.trust_env = False
    return session


def request(
    method: str, url: str, *, timeout: float = TIMEOUT_S, token: str = "", **arguments: Any
) -> requests.Response:
    """Send a request, with a bearer `token` if there is one, and return the response.

    `timeout` is in seconds, `arguments` are those of `requests.request`. Raise `UnreachableError`
    if there is no response in time, or one with a status of 400 or above.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else None
    try:
        with new_session() as session:
            response = session.request(method, url, timeout=timeout, headers=headers, **arguments)
    except requests.Timeout as error:
        raise UnreachableError(f"{url} does not answer within {timeout:g} s.") from error
    except requests.RequestException as error:
        raise UnreachableError(f"{url} does not answer: check `alertdrill status`.") from error
    if not response.ok:
        reason = " ".join(response.text.split())[:MAX_REASON_LENGTH]
        message = f"{url} answers {response.status_code}: {reason}"
        raise UnreachableError(message, response.status_code, reason)
    return response


def get_json(
    url: str,
    query: Mapping[str, str] | None = None,
    *,
    timeout: float = TIMEOUT_S,
    token: str = "",
    login: tuple[str, str] | None = None,
) -> Any:
    """Return the JSON at a URL with query parameters; raise `UnreachableError` without JSON.

    `login` is a user and a password, for basic authentication.
    """
    response = request("GET", url, timeout=timeout, token=token, params=query, auth=login)
    try:
        return response.json()
    except ValueError as error:
        raise UnreachableError(f"{url} answers without JSON: another program listens.") from error


def is_ready(url: str, timeout: float) -> bool:
    """Return whether a URL answers 200 within `timeout` seconds, or requires a login.

    Alertmanager requires one even for its probe, which answers 200 from its first request on.
    """
    try:
        return request("GET", url, timeout=timeout).status_code == 200
    except UnreachableError as error:
        return error.status == 401
