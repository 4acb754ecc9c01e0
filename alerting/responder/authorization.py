"""The bearer token that commands need."""

from __future__ import annotations

import hmac

from flask import request

from apps.telemetry.problems import Problem

from . import app_state


def authorize() -> None:
    """Raise a `Problem` unless the current request has the responder's token."""
    token = app_state.current().healing.token
    header = request.headers.get("Authorization", "")
    if not token:
        raise Problem(403, "The responder has no token: set RESPONDER_TOKEN_FILE.")
    if not hmac.compare_digest(header.encode(), f"Bearer {token}".encode()):
        raise Problem(
            401,
            "Send the responder's token as `Authorization: Bearer TOKEN`.",
            headers={"WWW-Authenticate": 'Bearer realm="responder"'},
        )
