"""Errors of the Docker Swarm runtime."""

from __future__ import annotations

from ...errors import AlertdrillError
from ..errors import StackUnavailableError


class SwarmError(AlertdrillError):
    """The Swarm refused a request or can't fulfil it."""


class SwarmUnavailableError(SwarmError, StackUnavailableError):
    """The manager does not answer, or the stack is not deployed."""


class ConflictError(SwarmError):
    """Another client has changed the service since it was read."""
