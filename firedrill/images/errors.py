"""What can be wrong while images are made, moved or counted."""

from __future__ import annotations

from ..errors import FiredrillError


class EngineError(FiredrillError):
    """The Docker engine is not there or refused."""


class BaseError(FiredrillError):
    """What all images stand upon can't be made."""


class BuildError(FiredrillError):
    """An image can't be made."""


class BlockError(FiredrillError):
    """`.env` says something else outside of our block, or can't be written."""


class ArchiveError(FiredrillError):
    """A file is no complete, undamaged set of images, or can't be written."""
