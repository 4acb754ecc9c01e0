"""Every error as `application/problem+json` (RFC 9457) with the request's id."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from . import context


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """An error to answer the request with.

    `status` is the HTTP status, `detail` a sentence that says what to do about it, `headers`
    go on the response, and further members (a `field`, say) into its body.
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
        """Return the answer as RFC 9457 writes it."""
        now = context.current()
        body = {
            "type": "about:blank",
            "title": HTTP_STATUS_CODES.get(self.status, "Unknown Error"),
            "status": self.status,
            "detail": self.detail,
            "instance": request.path,
            "request_id": now.request_id if now else None,
            **self.members,
        }
        return Response(
            json.dumps(body) + "\n",
            status=self.status,
            headers=self.headers,
            content_type="application/problem+json",
        )


def init_app(app: Flask, max_body_bytes: int) -> None:
    """Turn problems and HTTP exceptions into answers; refuse bodies over the limit with 413."""
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes

    @app.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        return error.response()

    # Unhandled exceptions arrive here too, as InternalServerError; Flask has logged them by then.
    @app.errorhandler(HTTPException)
    def http_exception(error: HTTPException) -> Response:
        if error.response is not None:
            return error.response  # type: ignore[return-value]
        status = error.code or 500
        kept = {name: text for name, text in error.get_headers() if name != "Content-Type"}
        return Problem(status, _detail(error, max_body_bytes), headers=kept).response()


def _detail(error: HTTPException, max_body_bytes: int) -> str:
    if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return f"The body is larger than {max_body_bytes} bytes: send it in smaller parts."
    if error.code == HTTPStatus.INTERNAL_SERVER_ERROR:
        return "The service failed to answer; its log has the reason under this request id."
    return error.description or "The request could not be served."
