"""What can be wrong with a load."""

from __future__ import annotations

from ..errors import AlertdrillError


class LoadError(AlertdrillError):
    """There is no such load, or it could not be made or measured."""
