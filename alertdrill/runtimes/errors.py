"""What can be wrong with a stack, however it runs."""

from __future__ import annotations

from ..errors import AlertdrillError


class StackUnavailableError(AlertdrillError):
    """The stack is down, or what it runs on does not answer."""
