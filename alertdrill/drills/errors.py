"""What can be wrong with a drill before it starts, and while it runs."""

from __future__ import annotations

from ..errors import AlertdrillError


class InvalidDrillError(AlertdrillError):
    """A drill's file is wrong; the text begins with the file and the line."""


class DrillError(AlertdrillError):
    """A drill can't be run here, or not now."""


class UnreachableError(AlertdrillError):
    """A part of the stack does not answer."""


class FaultError(AlertdrillError):
    """A fault could not be switched on or off."""


class UnmetError(Exception):
    """Something that a drill expects did not happen; the text names the broken link."""


class UnsteadyError(Exception):
    """The stack is not in its steady state; the text says what is not as it should be."""
