"""Read the members of a JSON object, and name the bad one in errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TypeGuard

from .errors import MalformedBodyError
from .timestamps import parse_rfc3339

MISSING = object()


class JsonFields:
    """A JSON object at a path of its document, such as `alerts[2]`; "" is the document itself.

    Every method takes the name of a member and raises `MalformedBodyError` with its path.
    """

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise MalformedBodyError(path or "body", "must be a JSON object.")
        self._members: dict[str, object] = value
        self._prefix = f"{path}." if path else ""

    def text(self, name: str, *, empty: bool = False) -> str:
        """Return a string; it may be empty only with `empty`."""
        value = self._get(name)
        if not isinstance(value, str) or not (value or empty):
            raise self.error(name, "must be a string." if empty else "must be a non-empty string.")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of the choices."""
        value = self._get(name)
        if not isinstance(value, str) or value not in choices:
            raise self.error(name, f"must be one of: {', '.join(choices)}.")
        return value

    def count(self, name: str, default: int) -> int:
        """Return a whole number of 0 or more; `default` if the member is missing."""
        value = self._members.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.error(name, "must be a whole number of 0 or more.")
        return value

    def timestamp(self, name: str) -> datetime:
        """Return a time in UTC."""
        try:
            return parse_rfc3339(self.text(name))
        except ValueError:
            raise self.error(name, "must be an RFC 3339 timestamp.") from None

    def labels(self, name: str) -> Mapping[str, str]:
        """Return an object of strings."""
        value = self._get(name)
        if not isinstance(value, dict):
            raise self.error(name, "must be a JSON object.")
        for key, member in value.items():
            if not isinstance(member, str):
                raise self.error(f"{name}.{key}", "must be a string.")
        return MappingProxyType(value)

    def number(self, name: str) -> float:
        """Return a number above 0."""
        value = self._get(name)
        if not _is_number(value) or value <= 0:
            raise self.error(name, "must be a number above 0.")
        return float(value)

    def numbers(self, name: str, keys: tuple[str, ...]) -> Mapping[str, float]:
        """Return an object of numbers of 0 or more with these keys, each optional."""
        value = self._get(name)
        if not isinstance(value, dict):
            raise self.error(name, "must be a JSON object.")
        for key, member in value.items():
            if key not in keys:
                raise self.error(f"{name}.{key}", f"is unknown: known are {', '.join(keys)}.")
            if not _is_number(member) or member < 0:
                raise self.error(f"{name}.{key}", "must be a number of 0 or more.")
        return MappingProxyType(value)

    def objects(self, name: str) -> list[JsonFields]:
        """Return the objects of a list, which is not empty."""
        value = self._get(name)
        if not isinstance(value, list) or not value:
            raise self.error(name, "must be a non-empty list.")
        path = self._prefix + name
        return [JsonFields(item, f"{path}[{index}]") for index, item in enumerate(value)]

    def error(self, name: str, problem: str) -> MalformedBodyError:
        """Return the error of a member; the message is its path, then the problem."""
        return MalformedBodyError(self._prefix + name, problem)

    def _get(self, name: str) -> object:
        value = self._members.get(name, MISSING)
        if value is MISSING:
            raise self.error(name, "is missing.")
        return value


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
