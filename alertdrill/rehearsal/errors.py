"""What can't be rehearsed."""

from ..errors import AlertdrillError


class RehearsalError(AlertdrillError):
    """A speed or a configuration that can't be rehearsed at."""
