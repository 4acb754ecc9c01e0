"""What keeps the conservation check from coming to an end."""

from ..errors import FiredrillError


class ConserveError(FiredrillError):
    """The check could not be made, which says nothing about what it checks."""
