"""Errors of loads."""

from __future__ import annotations

from ..errors import AlertdrillError


class LoadError(AlertdrillError):
    """The load does not exist, or it could not run or be measured."""
