"""Read a YAML document value by value, and name the line of each error."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

import yaml

from ..errors import PolicyError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)([smh])", flags=re.ASCII)
NUMBER = re.compile(r"\d+(\.\d+)?", flags=re.ASCII)


class YamlNode:
    """A node of a YAML document.

    Every method raises `PolicyError` with file, line and reason if the node has another form.
    """

    def __init__(self, node: yaml.Node, file: Path) -> None:
        self._node = node
        self._file = file

    @classmethod
    def load(cls, file: Path) -> YamlNode:
        """Read a file."""
        try:
            node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"The policy {file} can't be read: {error}.") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            problem = getattr(error, "problem", None) or "it is not YAML"
            raise PolicyError(f"{file}:{line}: {problem}.") from None
        if node is None:
            raise PolicyError(f"{file}:1: the policy is empty.")
        return cls(node, file)

    def fail(self, reason: str) -> NoReturn:
        """Raise `PolicyError` about this node."""
        raise PolicyError(f"{self._file}:{self._node.start_mark.line + 1}: {reason}.")

    def mapping(
        self, allowed: Collection[str] = (), required: Collection[str] = ()
    ) -> dict[str, YamlNode]:
        """Return the values of a mapping by key; each key may occur once.

        If `allowed` is not empty, other keys are errors.
        """
        if not isinstance(self._node, yaml.MappingNode):
            self.fail(f"expected a mapping with {', '.join(allowed) or 'names'}")
        values: dict[str, YamlNode] = {}
        for key_node, value in self._node.value:
            key = str(key_node.value)
            if allowed and key not in allowed:
                YamlNode(key_node, self._file).fail(
                    f"unknown key {key!r}: known keys are {', '.join(allowed)}"
                )
            if key in values:
                YamlNode(key_node, self._file).fail(f"duplicate key {key!r}")
            values[key] = YamlNode(value, self._file)
        for key in required:
            if key not in values:
                self.fail(f"{key!r} is missing")
        return values

    def sequence(self) -> list[YamlNode]:
        """Return the items of a list; any other node counts as a list of one."""
        if isinstance(self._node, yaml.SequenceNode):
            return [YamlNode(node, self._file) for node in self._node.value]
        return [self]

    def text(self) -> str:
        """Return a text that is not empty."""
        if not isinstance(self._node, yaml.ScalarNode) or not self._node.value.strip():
            self.fail("expected a text")
        return str(self._node.value).strip()

    def choice(self, choices: Collection[str]) -> str:
        """Return one of the choices."""
        text = self.text()
        if text not in choices:
            self.fail(f"{text!r} must be one of {', '.join(choices)}")
        return text

    def flag(self) -> bool:
        """Return true or false."""
        return self.choice(("true", "false")) == "true"

    def duration(self) -> float:
        """Return the seconds of a duration such as 30s, 10m or 1h."""
        match = DURATION.fullmatch(self.text())
        if match is None:
            self.fail(f"{self.text()!r} must be a duration such as 30s, 10m or 1h")
        return float(match[1]) * UNITS[match[2]]

    def number(self, minimum: float) -> float:
        """Return a number of `minimum` or more."""
        if not NUMBER.fullmatch(self.text()) or float(self.text()) < minimum:
            self.fail(f"{self.text()!r} must be a number of {minimum:g} or more")
        return float(self.text())

    def whole_number(self, minimum: int) -> int:
        """Return a whole number of `minimum` or more."""
        if not self.text().isascii() or not self.text().isdigit() or int(self.text()) < minimum:
            self.fail(f"{self.text()!r} must be a whole number of {minimum} or more")
        return int(self.text())
