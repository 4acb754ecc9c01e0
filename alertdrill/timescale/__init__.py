"""Time compression: the same rules and routes with every duration divided by one factor."""

from ..errors import AlertdrillError


class TimescaleError(AlertdrillError):
    """The speed is invalid, or a configuration cannot be scaled."""
