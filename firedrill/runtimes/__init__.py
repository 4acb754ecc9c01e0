"""How the stack runs: one interface, an implementation for each way."""

from .base import Instance, Runtime
from .choose import choose, composes

__all__ = ["Instance", "Runtime", "choose", "composes"]
