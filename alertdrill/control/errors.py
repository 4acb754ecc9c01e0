"""What the control API refuses, and with which status."""

from __future__ import annotations

from ..errors import AlertdrillError


class Problem(AlertdrillError):  # noqa: N818 - RFC 9457 calls it a problem
    """An error to answer a request with: an HTTP status, and a detail with the way out."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
