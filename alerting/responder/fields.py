"""Read the members of a JSON object one by one, and say which of them is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TypeGuard

from .errors import MalformedBodyError
from .timestamps import parse_rfc3339

MISSING = object()


class Fields:
    """A JSON object at a path of its document, like `alerts[2]`; "" is the document itself.

    Every method takes a member's name and raises `MalformedBodyError` naming its path.
    """

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise MalformedBodyError(path or "body", "must be a JSON object.")
        self._members: dict[str, object] = value
        self._prefix = f"{path}." if path else ""

    def text(self, name: str, *, empty: bool = False) -> str:
        """Return a string, which may only be empty where `empty` says so."""
        value = self._get(name)
        if not isinstance(value, str) or not (value or empty):
            raise self.wrong(name, "must be a string." if empty else "must be a non-empty string.")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of the given words."""
        value = self._get(name)
        if not isinstance(value, str) or value not in choices:
            raise self.wrong(name, f"must be one of: {', '.join(choices)}.")
        return value

    def count(self, name: str, default: int) -> int:
        """Return a whole number of 0 or more, `default` if the member is missing."""
        value = self._members.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.wrong(name, "must be a whole number of 0 or more.")
        return value

    def moment(self, name: str) -> datetime:
        """Return an instant in UTC."""
        try:
            return parse_rfc3339(self.text(name))
        except ValueError:
            raise self.wrong(name, "must be an RFC 3339 timestamp.") from None

    def labels(self, name: str) -> Mapping[str, str]:
        """Return an object whose members are all strings."""
        value = self._get(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "must be a JSON object.")
        for key, member in value.items():
            if not isinstance(member, str):
                raise self.wrong(f"{name}.{key}", "must be a string.")
        return MappingProxyType(value)

    def number(self, name: str) -> float:
        """Return a number above 0."""
        value = self._get(name)
        if not _is_number(value) or value <= 0:
            raise self.wrong(name, "must be a number above 0.")
        return float(value)

    def numbers(self, name: str, known: tuple[str, ...]) -> Mapping[str, float]:
        """Return an object whose members are numbers of 0 or more, each named by a known word."""
        value = self._get(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "must be a JSON object.")
        for key, member in value.items():
            if key not in known:
                raise self.wrong(f"{name}.{key}", f"is none of: {', '.join(known)}.")
            if not _is_number(member) or member < 0:
                raise self.wrong(f"{name}.{key}", "must be a number of 0 or more.")
        return MappingProxyType(value)

    def objects(self, name: str) -> list[Fields]:
        """Return the objects of a list that has at least one."""
        value = self._get(name)
        if not isinstance(value, list) or not value:
            raise self.wrong(name, "must be a non-empty list.")
        path = self._prefix + name
        return [Fields(item, f"{path}[{index}]") for index, item in enumerate(value)]

    def wrong(self, name: str, wrong: str) -> MalformedBodyError:
        """Return the error for a member; what is wrong reads on after its name."""
        return MalformedBodyError(self._prefix + name, wrong)

    def _get(self, name: str) -> object:
        value = self._members.get(name, MISSING)
        if value is MISSING:
            raise self.wrong(name, "is missing.")
        return value


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
