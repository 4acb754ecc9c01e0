"""The ways to run the stack: one interface, and an implementation for each runtime."""

from .base import ControlTarget, Instance, Runtime
from .selection import has_compose, resolve_runtime, select_control_target, select_runtime

__all__ = [
    "ControlTarget",
    "Instance",
    "Runtime",
    "has_compose",
    "resolve_runtime",
    "select_control_target",
    "select_runtime",
]
