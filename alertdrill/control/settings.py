"""Settings of the control API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config import settings as stack_settings
from ..config.settings import SettingsError, StackSettings

# Like the other tokens: too long to guess over a network, short enough to copy.
MIN_TOKEN_LENGTH = 16


@dataclass(frozen=True)
class ControlSettings:
    """The token that clients send, and the stack to control."""

    token: str
    stack: StackSettings

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> ControlSettings:
        """Read the environment; raise `SettingsError` naming a bad variable."""
        return cls(_token(environ.get("CONTROL_TOKEN_FILE", "")), _stack(environ))


def _token(file: str) -> str:
    if not file:
        raise SettingsError("CONTROL_TOKEN_FILE is not set: set it to the path of a file.")
    token = _text("CONTROL_TOKEN_FILE", file).strip()
    if len(token) < MIN_TOKEN_LENGTH:
        raise SettingsError(
            f"CONTROL_TOKEN_FILE is {file!r}: the token in it needs"
            f" {MIN_TOKEN_LENGTH} characters or more."
        )
    return token


def _stack(environ: Mapping[str, str]) -> StackSettings:
    """Return the settings from the file in CONTROL_STACK, or else from the environment."""
    file = environ.get("CONTROL_STACK", "")
    if not file:
        return stack_settings.load(environ)
    try:
        return StackSettings.from_dict(json.loads(_text("CONTROL_STACK", file)))
    except ValueError as error:
        raise SettingsError(
            f"CONTROL_STACK is {file!r}, which holds no stack settings: start the stack again."
        ) from error


def _text(variable: str, file: str) -> str:
    try:
        return Path(file).read_text()
    except OSError as error:
        raise SettingsError(
            f"{variable} is {file!r}, which can't be read: {error.strerror}."
        ) from None
