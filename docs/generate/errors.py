"""The error of the generator."""

from __future__ import annotations


class GenerateError(Exception):
    """Code and data disagree, so a page can't be written."""
