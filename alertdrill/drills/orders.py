"""Tell a stack's responder what to do, or what was done, with its token."""

from __future__ import annotations

import requests

from ..errors import AlertdrillError
from ..runtimes import Runtime

# It answers once it is on disk, within some milliseconds; after 5 s it says that the disk fails.
TIMEOUT = 6.0


def order(runtime: Runtime, path: str, told: object = None) -> None:
    """Post `told`, as JSON, to a path of the responder; raise `AlertdrillError` if it refuses."""
    url = f"{runtime.address('responder')}{path}"
    token = {"Authorization": f"Bearer {runtime.responder_token()}"}
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the host for the loopback
            answer = session.post(url, json=told, headers=token, timeout=TIMEOUT)
    except requests.RequestException as error:
        raise AlertdrillError(f"{url} does not answer: {error}.") from error
    if not answer.ok:
        raise AlertdrillError(f"{url} answers {answer.status_code}.")
