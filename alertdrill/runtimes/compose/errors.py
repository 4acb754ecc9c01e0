"""What can be wrong with an engine and what runs on it."""

from __future__ import annotations

from ...errors import AlertdrillError
from ..errors import StackUnavailableError


class EngineError(AlertdrillError):
    """The Docker engine, or its Compose, is not there or refused."""


class EngineUnavailableError(EngineError, StackUnavailableError):
    """The engine does not answer, or nothing of the stack runs on it."""


class ImageMissingError(AlertdrillError):
    """An image is not on this host and can't be had."""


class UnknownTargetError(AlertdrillError):
    """There is no such instance, service or part."""


class NotReadyError(AlertdrillError):
    """An instance did not start to serve in time."""
