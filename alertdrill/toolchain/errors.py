"""What can go wrong while a program is looked for or fetched."""

from alertdrill.errors import AlertdrillError


class ProgramMissingError(AlertdrillError):
    """A program that must run is nowhere and could not be fetched."""


class FetchError(AlertdrillError):
    """A package could not be fetched; the text is the reason, for use inside a sentence."""


class BuildError(AlertdrillError):
    """The collector could not be built."""


class CacheError(AlertdrillError):
    """The folder for fetched programs cannot be written."""
