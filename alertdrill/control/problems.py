"""Answer every error as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import json
import logging

from flask import Flask, Response
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from ..errors import AlertdrillError
from ..runtimes.errors import StackUnavailableError

FAILED = "The control API failed: see its log for the reason."
log = logging.getLogger("alertdrill.control")


class Problem(AlertdrillError):  # noqa: N818 - RFC 9457 calls it a problem
    """An HTTP status and a sentence that says what to do."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def status_of(error: AlertdrillError) -> int:
    """Return the status of an error: 503 if the stack is unavailable, 409 for a refusal."""
    if isinstance(error, Problem):
        return error.status
    return 503 if isinstance(error, StackUnavailableError) else 409


def init_app(app: Flask) -> None:
    """Register the error handler."""

    @app.errorhandler(Exception)
    def respond(error: Exception) -> Response:
        if isinstance(error, AlertdrillError):
            return answer(status_of(error), str(error))
        if isinstance(error, HTTPException):
            return answer(error.code or 500, error.description or "The request failed.")
        log.error("A request failed: %s", error, exc_info=error)
        return answer(500, FAILED)


def answer(status: int, detail: str) -> Response:
    """Return an error as an RFC 9457 problem document."""
    body = {
        "type": "about:blank",
        "title": HTTP_STATUS_CODES.get(status, "Unknown Error"),
        "status": status,
        "detail": detail,
    }
    text = json.dumps(body) + "\n"
    response = Response(text, status=status, content_type="application/problem+json")
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
