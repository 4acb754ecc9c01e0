"""Errors of building and moving images."""

from __future__ import annotations

from ..errors import AlertdrillError


class EngineError(AlertdrillError):
    """The Docker engine is missing or refused."""


class BaseImageError(AlertdrillError):
    """The base image cannot be built."""


class BuildError(AlertdrillError):
    """An image cannot be built."""


class EnvBlockError(AlertdrillError):
    """`.env` conflicts with the block, or cannot be written."""


class ArchiveError(AlertdrillError):
    """An archive of images is damaged, or cannot be written."""
