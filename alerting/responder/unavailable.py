"""The answer while the journal cannot be read or written."""

from __future__ import annotations

import logging

from flask import Flask, Response

from apps.telemetry.problems import Problem

from .errors import JournalError

# Alertmanager tries again at a pace of its own; this is for a person with curl.
RETRY_AFTER_SECONDS = 10

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Answer 503 wherever the journal fails."""
    app.register_error_handler(JournalError, _answer)


def _answer(error: JournalError) -> Response:
    log.error("%s", error)
    return Problem(
        503,
        "The journal cannot be used now, see the responder's log; try again.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    ).response()
