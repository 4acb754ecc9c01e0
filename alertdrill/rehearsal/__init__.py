"""Rehearsal speed: the same rules and routes with every duration divided by one factor."""

from .errors import RehearsalError
from .promql import scale as scale_query
from .render import language, render
from .stack import own_settings

__all__ = ["RehearsalError", "language", "own_settings", "render", "scale_query"]
