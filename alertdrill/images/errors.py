"""What can be wrong while images are made, moved or counted."""

from __future__ import annotations

from ..errors import AlertdrillError


class EngineError(AlertdrillError):
    """The Docker engine is not there or refused."""


class BaseImageError(AlertdrillError):
    """What all images stand upon can't be made."""


class BuildError(AlertdrillError):
    """An image can't be made."""


class EnvBlockError(AlertdrillError):
    """`.env` says something else outside of our block, or can't be written."""


class ArchiveError(AlertdrillError):
    """A file is no complete, undamaged set of images, or can't be written."""
