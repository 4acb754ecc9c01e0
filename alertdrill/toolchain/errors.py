"""Errors of finding, fetching and building programs."""

from alertdrill.errors import AlertdrillError


class ProgramMissingError(AlertdrillError):
    """A required program was not found and could not be fetched."""


class FetchError(AlertdrillError):
    """A package could not be fetched; the text is the reason, for use inside a sentence."""


class BuildError(AlertdrillError):
    """The collector could not be built."""


class CacheError(AlertdrillError):
    """The folder for fetched programs cannot be written."""
