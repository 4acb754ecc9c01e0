"""Errors of the build."""

from __future__ import annotations


class BuildError(Exception):
    """A dashboard refers to something that does not exist; the message says where to look."""
