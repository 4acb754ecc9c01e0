"""What can't be rehearsed."""

from ..errors import AlertdrillError


class TimescaleError(AlertdrillError):
    """A speed or a configuration that can't be rehearsed at."""
