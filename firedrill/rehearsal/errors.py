"""What can't be rehearsed."""

from ..errors import FiredrillError


class RehearsalError(FiredrillError):
    """A speed or a configuration that can't be rehearsed at."""
