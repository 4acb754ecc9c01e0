"""Read YAML files with errors that name file and line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import yaml

from .errors import AlertdrillError

DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class YamlSource:
    """A file's name, description and error class, for errors."""

    name: str
    what: str
    error: type[AlertdrillError]


class YamlSection:
    """A mapping of a YAML file; each accessor checks the value."""

    def __init__(self, source: YamlSource, node: yaml.MappingNode) -> None:
        self._source = source
        self._node = node
        self._items: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.refuse("a key must be a word", key)
            if key.value in self._items:
                self.refuse(f"{key.value} is a duplicate key", key)
            self._items[key.value] = value

    def __contains__(self, key: str) -> bool:
        """Return whether the key exists."""
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys, in order."""
        return iter(self._items)

    def refuse(self, what: str, at: yaml.Node | str | None = None) -> NoReturn:
        """Raise the source's error about a node, a key's value or the whole section."""
        node = self._items.get(at, self._node) if isinstance(at, str) else at or self._node
        raise self._source.error(f"{self._source.name}:{node.start_mark.line + 1}: {what}.")

    def only(self, keys: Sequence[str]) -> None:
        """Refuse every other key."""
        for key in self:
            if key not in keys:
                self.refuse(f"{key} is unknown: known keys are {', '.join(keys)}", key)

    def require(self, *keys: str) -> None:
        """Refuse a section without these keys."""
        for key in keys:
            if key not in self:
                self.refuse(f"{key} is missing")

    def text(self, key: str, default: str = "") -> str:
        """Return a text on one line."""
        if key not in self:
            return default
        node = self._items[key]
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self.refuse(f"{key} must be a text", key)
        return str(node.value).strip()

    def number(self, key: str, default: float = 0.0) -> float:
        """Return a finite number."""
        try:
            value = float(self.text(key, str(default)))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.refuse(f"{key} must be a number", key)
        return value

    def seconds(self, key: str, default: str = "0s") -> float:
        """Return a duration, such as 90s or 1h30m, in seconds."""
        text = self.text(key, default)
        parts = re.findall(r"([0-9]+)(ms|[smhd])", text)
        if not parts or "".join(map("".join, parts)) != text:
            self.refuse(f"{key} is {text!r}: use a duration such as 90s or 1h30m", key)
        return sum(int(count) * DURATION_UNITS[unit] for count, unit in parts)

    def flag(self, key: str) -> bool:
        """Return a boolean; false without the key."""
        text = self.text(key, "false")
        if text not in ("true", "false"):
            self.refuse(f"{key} is {text!r}: use true or false", key)
        return text == "true"

    def section(self, key: str) -> YamlSection:
        """Return the mapping below a key."""
        node = self._items[key]
        if not isinstance(node, yaml.MappingNode):
            self.refuse(f"{key} must be a mapping, as in {{name: value}}", key)
        return YamlSection(self._source, node)

    def sections(self, key: str) -> list[YamlSection]:
        """Return the list of mappings below a key; empty without the key."""
        node = self._items.get(key)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.refuse(f"{key} must be a list", key)
        for item in node.value:
            if not isinstance(item, yaml.MappingNode):
                self.refuse(f"{key} must be a list of mappings", item)
        return [YamlSection(self._source, item) for item in node.value]

    def texts(self, key: str) -> list[str]:
        """Return the list of texts below a key; empty without the key."""
        node = self._items.get(key)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.refuse(f"{key} must be a list, as in [one, two]", key)
        for item in node.value:
            if not isinstance(item, yaml.ScalarNode) or not item.value.strip():
                self.refuse(f"{key} must be a list of texts", item)
        return [str(item.value).strip() for item in node.value]

    def is_section(self, key: str) -> bool:
        """Return whether the key has a mapping."""
        return isinstance(self._items.get(key), yaml.MappingNode)


def load_yaml(file: Path, source: YamlSource) -> YamlSection:
    """Return the file's mapping; raise the source's error if it is invalid."""
    name, error = source.name, source.error
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as why:
        raise error(f"{name}:1: cannot read it ({why.strerror}).") from why
    except UnicodeDecodeError as why:
        raise error(f"{name}:1: it is not UTF-8.") from why
    except yaml.MarkedYAMLError as why:
        line = why.problem_mark.line + 1 if why.problem_mark else 1
        raise error(f"{name}:{line}: it is not valid YAML ({why.problem}).") from why
    except yaml.YAMLError as why:  # an invalid character; this error has no line
        raise error(f"{name}:1: it is not valid YAML ({why}).") from why
    if not isinstance(node, yaml.MappingNode):
        raise error(f"{name}:1: {source.what}.")
    return YamlSection(source, node)
