"""Read settings from the environment at start; name the variable of a bad value."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from .errors import SettingsError

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")


class EnvReader:
    """Environment variables with conversion and validation.

    Every method takes the variable's name and its default for an unset or empty variable. It
    raises `SettingsError` with the variable's name and the accepted values.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: str | None = None) -> str:
        """Return the variable's text. Without a default the variable is required."""
        value = self._variables.get(name, "").strip() or default
        if value is None:
            raise SettingsError(f"{name} is not set: give it a value.")
        return value

    def secret(self, name: str, default: str = "") -> str:
        """Return a secret, from the variable or from the file whose path is in NAME_FILE."""
        value, file = self._variables.get(name, "").strip(), f"{name}_FILE"
        path = self._variables.get(file, "").strip()
        if value and path:
            raise SettingsError(f"{name} and {file} are both set: unset one of them.")
        if not path:
            return value or default
        try:
            secret = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file}: cannot read {path!r}: {error}.") from None
        if not secret:
            raise SettingsError(f"{file}: the file {path!r} is empty: write the secret into it.")
        return secret

    def integer(
        self, name: str, default: int, *, at_least: int = 0, at_most: int | None = None
    ) -> int:
        """Return an integer within the inclusive bounds."""
        value = self.text(name, str(default))
        accepted = _bounds("a whole number", at_least, at_most)
        try:
            number = int(value)
        except ValueError:
            raise SettingsError(f"{name} is {value!r}: it must be {accepted}.") from None
        if number < at_least or (at_most is not None and number > at_most):
            raise SettingsError(f"{name} is {value!r}: it must be {accepted}.")
        return number

    def number(
        self, name: str, default: float, *, at_least: float = 0.0, at_most: float | None = None
    ) -> float:
        """Return a finite number within the inclusive bounds."""
        value = self.text(name, str(default))
        accepted = _bounds("a number", at_least, at_most)
        try:
            number = float(value)
        except ValueError:
            raise SettingsError(f"{name} is {value!r}: it must be {accepted}.") from None
        too_large = at_most is not None and number > at_most
        if not math.isfinite(number) or number < at_least or too_large:
            raise SettingsError(f"{name} is {value!r}: it must be {accepted}.")
        return number

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean: 1, true, yes, on or 0, false, no, off."""
        value = self.text(name, "1" if default else "0").lower()
        if value not in TRUE + FALSE:
            raise SettingsError(f"{name} is {value!r}: it must be 1 or 0.")
        return value in TRUE

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        """Return one of the choices."""
        value = self.text(name, default)
        if value not in choices:
            raise SettingsError(f"{name} is {value!r}: it must be one of {', '.join(choices)}.")
        return value

    def url(self, name: str, default: str) -> str:
        """Return an HTTP or HTTPS URL without a trailing slash."""
        value = self.text(name, default)
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname)
            _ = parts.port  # raises for a port that is not a number from 0 to 65535
        except ValueError:
            usable = False
        if not usable:
            raise SettingsError(
                f"{name} is {value!r}: it must be an address like http://host:5001."
            )
        return value.rstrip("/")

    def path(self, name: str, default: Path | None = None) -> Path:
        """Return the path of a file or folder, which need not exist."""
        return Path(self.text(name, None if default is None else str(default)))


def _bounds(what: str, at_least: float, at_most: float | None) -> str:
    return (
        f"{what} of {at_least} or more"
        if at_most is None
        else f"{what} from {at_least} to {at_most}"
    )
