"""The control API's error, with its HTTP status."""

from __future__ import annotations

from ..errors import AlertdrillError


class Problem(AlertdrillError):  # noqa: N818 - RFC 9457 calls it a problem
    """An HTTP status and a sentence that says what to do."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
