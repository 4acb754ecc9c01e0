"""The Docker Swarm runtime: the operations that the control API needs."""

from .runtime import SwarmRuntime

__all__ = ["SwarmRuntime"]
