"""Who may do more than look."""

from __future__ import annotations

import hmac

from flask import request

from apps.telemetry.problems import Problem

from . import state


def authorize() -> None:
    """Raise a `Problem` unless the request at hand brings the responder's token."""
    token = state.current().healing.token
    given = request.headers.get("Authorization", "")
    if not token:
        raise Problem(403, "No token is set: give the responder RESPONDER_TOKEN_FILE.")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise Problem(
            401,
            "Send the responder's token as `Authorization: Bearer TOKEN`.",
            headers={"WWW-Authenticate": 'Bearer realm="responder"'},
        )
