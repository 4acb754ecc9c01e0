"""The errors of the responder."""

from alertdrill_telemetry.errors import SettingsError


class InvalidRequestError(Exception):
    """The body or a query parameter is invalid; `field` is the bad member or parameter."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class DatabaseError(Exception):
    """The database cannot be read or written now."""


class DatabaseUnusableError(DatabaseError, SettingsError):
    """RESPONDER_DB names a file that this version cannot use."""


class PolicyError(SettingsError):
    """The policy is invalid; the message has file, line and reason."""


class ControlApiError(Exception):
    """The control API refused or failed."""


class ControlApiUnavailableError(ControlApiError):
    """The control API, or the stack behind it, does not answer."""
