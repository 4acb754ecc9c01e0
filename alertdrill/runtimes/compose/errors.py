"""Errors of the Compose runtime."""

from __future__ import annotations

from ...errors import AlertdrillError
from ..errors import StackUnavailableError


class EngineError(AlertdrillError):
    """The Docker engine or Compose is missing, or refused a request."""


class EngineUnavailableError(EngineError, StackUnavailableError):
    """The engine does not answer, or the stack is down."""


class ImageMissingError(AlertdrillError):
    """An image is not on this host and can't be pulled or built."""
