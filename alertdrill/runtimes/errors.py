"""Errors of every runtime."""

from __future__ import annotations

from ..errors import AlertdrillError


class StackUnavailableError(AlertdrillError):
    """The stack is down, or its engine or supervisor does not answer."""
