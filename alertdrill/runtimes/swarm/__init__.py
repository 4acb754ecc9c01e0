"""The stack as services of a Docker Swarm: what the control API needs of it."""

from .runtime import SwarmRuntime

__all__ = ["SwarmRuntime"]
