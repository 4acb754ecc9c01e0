"""What keeps the audit from coming to an end."""

from ..errors import AlertdrillError


class AuditError(AlertdrillError):
    """The check could not be made, which says nothing about what it checks."""
