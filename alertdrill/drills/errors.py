"""Errors of drills: their files, the stack that they run on, and their expectations."""

from __future__ import annotations

from ..errors import AlertdrillError


class InvalidDrillError(AlertdrillError):
    """A drill file is invalid; the message begins with its name and line."""


class DrillError(AlertdrillError):
    """A drill cannot run on this stack, or not now."""


class FaultError(AlertdrillError):
    """A fault cannot be injected or undone."""


class UnmetError(Exception):
    """An expectation of a drill is not met; the message names the broken link."""


class UnsteadyError(Exception):
    """The stack is not in its steady state; the message names the first deviation."""
