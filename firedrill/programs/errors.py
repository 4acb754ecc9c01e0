"""What can go wrong while a program is looked for or fetched."""

from firedrill.errors import FiredrillError


class ProgramMissingError(FiredrillError):
    """A program that must run is nowhere and could not be fetched."""


class FetchError(FiredrillError):
    """A package could not be fetched; the text is the reason, for use inside a sentence."""


class BuildError(FiredrillError):
    """The collector could not be built."""


class CacheError(FiredrillError):
    """The folder for fetched programs cannot be written."""
