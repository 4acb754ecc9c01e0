"""What keeps the conservation check from coming to an end."""

from ..errors import AlertdrillError


class ConserveError(AlertdrillError):
    """The check could not be made, which says nothing about what it checks."""
