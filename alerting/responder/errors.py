"""The errors of the responder."""

from apps.telemetry.errors import SettingsError


class ResponderError(Exception):
    """Base class of the responder's own errors."""


class MalformedBodyError(ResponderError):
    """The body of a request is malformed; `field` is the path of the bad member."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field


class BadFilterError(ResponderError):
    """A query parameter is unknown or has a bad value; `name` is the parameter."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name


class DatabaseError(ResponderError):
    """The database cannot be read or written now."""


class DatabaseUnusableError(DatabaseError, SettingsError):
    """RESPONDER_DB names a file that this version cannot use."""


class PolicyError(ResponderError, SettingsError):
    """The policy is invalid; the message has file, line and reason."""


class ControlApiError(ResponderError):
    """The control API refused or failed."""


class ControlApiUnavailableError(ControlApiError):
    """The control API, or the stack behind it, does not answer."""
