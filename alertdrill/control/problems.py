"""Answer every error as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import json
import logging

from flask import Flask, Response
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from ..errors import AlertdrillError

FAILED = "The control API failed: see its log for the reason."
log = logging.getLogger("alertdrill.control")


class Problem(AlertdrillError):  # noqa: N818 - RFC 9457 calls it a problem
    """An HTTP status and a sentence that says what to do."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def init_app(app: Flask) -> None:
    """Register the error handlers."""

    @app.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        return answer(error.status, str(error))

    @app.errorhandler(HTTPException)
    def http_exception(error: HTTPException) -> Response:
        return answer(error.code or 500, error.description or "The request failed.")

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
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
