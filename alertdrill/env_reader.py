"""Read settings from environment variables, with errors that name the variable."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from .errors import AlertdrillError


class SettingsError(AlertdrillError):
    """A variable has an invalid value."""


class EnvReader:
    """Typed access to variables; errors are `SettingsError` with the variable's name."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, default: str) -> str:
        """Return a text; the default if it is empty."""
        return self._values.get(name, "").strip() or default

    def matching(self, name: str, default: str, pattern: str, example: str = "") -> str:
        """Return a text that matches a regular expression; an error shows the example."""
        value = self.text(name, default)
        if not re.fullmatch(pattern, value):
            raise SettingsError(f"{name} is {value!r}: use a value like {example or default}.")
        return value

    def secret(self, name: str, default: str) -> str:
        """Return a text that may be unset but not empty."""
        value = self._values.get(name, default).strip()
        if not value:
            raise SettingsError(f"{name} is empty: remove it to get a random one.")
        return value

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """Return one of the choices."""
        value = self.text(name, default)
        if value not in choices:
            raise SettingsError(f"{name} is {value!r}: use one of {', '.join(choices)}.")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number, from `low` to `high`."""
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise SettingsError(f"{name} is {value!r}: use a whole number from {low} to {high}.")
        return int(value)

    def address(self, name: str, default: str) -> str:
        """Return an IPv4 address."""
        value = self.text(name, default)
        try:
            return str(ipaddress.IPv4Address(value))
        except ValueError:
            raise SettingsError(f"{name} is {value!r}: use an IPv4 address.") from None
