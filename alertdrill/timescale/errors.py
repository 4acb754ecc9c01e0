"""Errors of time compression."""

from ..errors import AlertdrillError


class TimescaleError(AlertdrillError):
    """The speed is invalid, or a configuration cannot be scaled."""
