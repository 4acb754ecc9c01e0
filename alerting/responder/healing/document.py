"""Read a YAML document value by value, and say of each in which line it is."""

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


class Document:
    """A node of a document and where it is.

    Every method raises `PolicyError` with file, line and reason for what is not as it expects.
    """

    def __init__(self, node: yaml.Node, file: Path) -> None:
        self._node = node
        self._file = file

    @classmethod
    def load(cls, file: Path) -> Document:
        """Read a file."""
        try:
            node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"The policy {file} can't be read: {error}.") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            said = getattr(error, "problem", None) or "it is not YAML"
            raise PolicyError(f"{file}:{line}: {said}.") from None
        if node is None:
            raise PolicyError(f"{file}:1: the policy is empty.")
        return cls(node, file)

    def refuse(self, reason: str) -> NoReturn:
        """Raise `PolicyError` about this node."""
        raise PolicyError(f"{self._file}:{self._node.start_mark.line + 1}: {reason}.")

    def members(
        self, allowed: Collection[str] = (), required: Collection[str] = ()
    ) -> dict[str, Document]:
        """Return a mapping's values by their names, each of which is there once.

        Where `allowed` has names, no others may be there.
        """
        if not isinstance(self._node, yaml.MappingNode):
            self.refuse(f"a mapping is wanted here, with {', '.join(allowed) or 'names'}")
        found: dict[str, Document] = {}
        for key, value in self._node.value:
            at, name = Document(key, self._file), str(key.value)
            if allowed and name not in allowed:
                at.refuse(f"there is no {name!r}: there are {', '.join(allowed)}")
            if name in found:
                at.refuse(f"{name!r} is there twice")
            found[name] = Document(value, self._file)
        for name in required:
            if name not in found:
                self.refuse(f"{name!r} is missing")
        return found

    def items(self) -> list[Document]:
        """Return a list's values; one that is no list is its own only one."""
        if isinstance(self._node, yaml.SequenceNode):
            return [Document(node, self._file) for node in self._node.value]
        return [self]

    def text(self) -> str:
        """Return a text that is not empty."""
        if not isinstance(self._node, yaml.ScalarNode) or not self._node.value.strip():
            self.refuse("a text is wanted here")
        return str(self._node.value).strip()

    def choice(self, words: Collection[str]) -> str:
        """Return one of these words."""
        word = self.text()
        if word not in words:
            self.refuse(f"{word!r} is none of {', '.join(words)}")
        return word

    def flag(self) -> bool:
        """Return true or false."""
        return self.choice(("true", "false")) == "true"

    def duration(self) -> float:
        """Return the seconds of such as 30s, 10m or 1h."""
        match = DURATION.fullmatch(self.text())
        if match is None:
            self.refuse(f"{self.text()!r} is no duration: it takes such as 30s, 10m or 1h")
        return float(match[1]) * UNITS[match[2]]

    def number(self, least: float) -> float:
        """Return a number of `least` or more."""
        if not NUMBER.fullmatch(self.text()) or float(self.text()) < least:
            self.refuse(f"{self.text()!r} is no number of {least:g} or more")
        return float(self.text())

    def whole(self, least: int) -> int:
        """Return a whole number of `least` or more."""
        if not self.text().isascii() or not self.text().isdigit() or int(self.text()) < least:
            self.refuse(f"{self.text()!r} is no whole number of {least} or more")
        return int(self.text())
