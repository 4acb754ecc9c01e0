"""How the stack runs: one interface, an implementation for each way."""

from .base import Controllable, Instance, Runtime
from .choose import choose, composes, controllable

__all__ = ["Controllable", "Instance", "Runtime", "choose", "composes", "controllable"]
