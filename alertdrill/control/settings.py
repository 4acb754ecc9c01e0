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
    """The token that clients send, the stack to control, and the folder that replicas share."""

    token: str
    stack: StackSettings
    state: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> ControlSettings:
        """Read the environment; raise `SettingsError` naming a bad variable."""
        file = environ.get("CONTROL_STACK", "")
        stack = _read_stack(file) if file else stack_settings.load(environ)
        file = environ.get("CONTROL_TOKEN_FILE", "")
        token = _read("CONTROL_TOKEN_FILE", file).strip()
        if len(token) < MIN_TOKEN_LENGTH:
            raise SettingsError(
                f"CONTROL_TOKEN_FILE is {file!r}: the token in it needs"
                f" {MIN_TOKEN_LENGTH} characters or more."
            )
        state = environ.get("CONTROL_STATE", "") or stack.home / "control"
        return cls(token, stack, Path(state))


def _read_stack(file: str) -> StackSettings:
    try:
        return StackSettings.from_dict(json.loads(_read("CONTROL_STACK", file)))
    except ValueError as error:
        raise SettingsError(
            f"CONTROL_STACK is {file!r}, which holds no stack settings: start the stack again."
        ) from error


def _read(variable: str, file: str) -> str:
    if not file:
        raise SettingsError(f"{variable} is not set: set it to the path of a file.")
    try:
        return Path(file).read_text()
    except OSError as error:
        raise SettingsError(
            f"{variable} is {file!r}, which can't be read: {error.strerror}."
        ) from None
