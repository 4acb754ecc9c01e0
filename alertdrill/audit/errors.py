"""Errors of the audit."""

from ..errors import AlertdrillError


class AuditError(AlertdrillError):
    """The audit could not complete; this says nothing about the counts."""
