"""What can go wrong in the responder."""

from apps.telemetry.errors import SettingsError


class ResponderError(Exception):
    """Root of every error that this package raises by itself."""


class MalformedBodyError(ResponderError):
    """The body of a request is not what it should be; `field` is where it goes wrong."""

    def __init__(self, field: str, wrong: str) -> None:
        super().__init__(f"{field} {wrong}")
        self.field = field


class BadFilterError(ResponderError):
    """A query asks for something that the journal cannot filter by; `name` is the parameter."""

    def __init__(self, name: str, wrong: str) -> None:
        super().__init__(f"{name} {wrong}")
        self.name = name


class JournalError(ResponderError):
    """The journal cannot be read or written now."""


class JournalUnusableError(JournalError, SettingsError):
    """RESPONDER_DB names a file that this version cannot use as its journal."""


class PolicyError(ResponderError, SettingsError):
    """The policy is not one; the text has file, line and reason."""


class ControlError(ResponderError):
    """The runtime's control API did not do what it was asked for."""


class ControlAwayError(ControlError):
    """The control API does not answer, or the stack behind it does not."""
