"""Errors as `application/problem+json` (RFC 9457) with the request id."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from . import context


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """An exception that becomes the response to the request.

    `status` is the HTTP status, `detail` a sentence that says what to do. `headers` are added to
    the response, and other members (such as `field`) to its body.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def response(self) -> Response:
        """Return the response in the format of RFC 9457."""
        request_context = context.current()
        body = {
            "type": "about:blank",
            "title": HTTP_STATUS_CODES.get(self.status, "Unknown Error"),
            "status": self.status,
            "detail": self.detail,
            "instance": request.path,
            "request_id": request_context.request_id if request_context else None,
            **self.members,
        }
        return Response(
            json.dumps(body) + "\n",
            status=self.status,
            headers=self.headers,
            content_type="application/problem+json",
        )


def init_app(app: Flask, max_body_bytes: int | None = None) -> None:
    """Turn problems and HTTP exceptions, also unhandled exceptions, into responses.

    With `max_body_bytes`, a longer body is rejected with 413.
    """
    if max_body_bytes is not None:
        app.config["MAX_CONTENT_LENGTH"] = max_body_bytes

    @app.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        return error.response()

    # Unhandled exceptions arrive here too, as InternalServerError. Flask has already logged them.
    @app.errorhandler(HTTPException)
    def http_exception(error: HTTPException) -> Response:
        if error.response is not None:
            return error.response  # type: ignore[return-value]
        status = error.code or 500
        headers = {name: text for name, text in error.get_headers() if name != "Content-Type"}
        return Problem(
            status, _detail(error, app.config["MAX_CONTENT_LENGTH"]), headers=headers
        ).response()


def _detail(error: HTTPException, max_body_bytes: int | None) -> str:
    if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and max_body_bytes:
        return f"The body is larger than {max_body_bytes} bytes: send it in smaller parts."
    if error.code == HTTPStatus.INTERNAL_SERVER_ERROR:
        return "The service failed: look up this request id in its log."
    return error.description or "The request failed."
