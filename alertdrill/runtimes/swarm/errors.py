"""What can be wrong with a Swarm and what runs on it."""

from __future__ import annotations

from ...errors import AlertdrillError
from ..errors import StackUnavailableError


class SwarmError(AlertdrillError):
    """The Swarm refused, or can't do what is asked."""


class SwarmUnavailableError(SwarmError, StackUnavailableError):
    """The manager does not answer, or nothing of the stack runs on it."""


class ConflictError(SwarmError):
    """Another has changed the service since it was read."""
