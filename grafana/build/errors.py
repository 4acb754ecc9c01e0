"""What can be wrong with what a dashboard asks for."""

from __future__ import annotations


class BuildError(Exception):
    """A dashboard asks for what is not there; the message says what and where to look."""
