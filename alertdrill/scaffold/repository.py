"""The repository with changes that are not written yet; `write_changes` writes all or none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from ..config.service import Service
from ..config.services import ServicesError, read_services
from ..errors import AlertdrillError
from ..load.profile import LoadError, LoadProfile, load_profiles

TEMPLATES = Path(__file__).parent / "templates"
# What a template fills in. YAML, PromQL, Python and annotations have other braces.
FIELD = re.compile(r"@\{(\w+)\}")
# What a person must decide. `alertdrill new` lists the lines that have it.
DECIDE = "DECIDE:"
SERVICES_FILE, PROFILES_FILE = "apps/services.yml", "loadtests/profiles.yml"
RULE_FOLDERS = ("prometheus/rules", "loki/rules")


class ScaffoldError(AlertdrillError):
    """A service or an alert cannot be added; nothing is written."""


@dataclass(frozen=True)
class Repository:
    """A repository, with the new texts of some files by their paths in it."""

    root: Path
    changes: Mapping[str, str] = field(default_factory=dict)

    def exists(self, path: str) -> bool:
        """Return whether there is a file or a folder, in the repository or among the changes."""
        return path in self.changes or (self.root / path).exists()

    def read(self, path: str) -> str:
        """Return the text of a file; raise `ScaffoldError` if it cannot be read."""
        if path in self.changes:
            return self.changes[path]
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ScaffoldError(f"{path}: cannot read it ({error}).") from error

    def with_files(self, files: Mapping[str, str]) -> Repository:
        """Return the repository with more changes."""
        return replace(self, changes={**self.changes, **files})

    @cached_property
    def services(self) -> Mapping[str, Service]:
        """Return the declared services; raise `ScaffoldError` if a declaration is invalid."""
        try:
            with self._copy(SERVICES_FILE) as file:
                return read_services(file.parent)
        except ServicesError as error:
            raise self._refusal(SERVICES_FILE, error) from error

    @cached_property
    def profiles(self) -> Mapping[str, LoadProfile]:
        """Return the load profiles; raise `ScaffoldError` if one is invalid."""
        try:
            with self._copy(PROFILES_FILE) as file:
                return load_profiles(file, self.services)
        except LoadError as error:
            raise self._refusal(PROFILES_FILE, error) from error

    def rule_groups(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the path of each rule file with each of its groups."""
        for folder in RULE_FOLDERS:
            for file in sorted((self.root / folder).glob("*.yml")):
                path = f"{folder}/{file.name}"
                try:
                    for group in yaml.safe_load(self.read(path))["groups"]:
                        yield path, group
                except (yaml.YAMLError, KeyError, TypeError) as error:
                    raise ScaffoldError(f"{path}: cannot read the rules: {error}.") from error

    def decisions(self) -> Iterator[str]:
        """Yield the place and the first sentence of each new text about a decision."""
        for path, text in self.changes.items():
            file = self.root / path
            before = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
            lines = text.splitlines()
            matcher = SequenceMatcher(None, before, lines, autojunk=False)
            for kind, _, _, begin, end in matcher.get_opcodes():
                for number in range(begin, end) if kind != "equal" else ():
                    if DECIDE in lines[number]:
                        sentence = lines[number].partition(DECIDE)[2].strip().partition(". ")[0]
                        yield f"{path}:{number + 1}: {sentence.rstrip('.')}."

    def _copy(self, path: str) -> _TextFile:
        return _TextFile(path, self.read(path))

    def _refusal(self, path: str, error: AlertdrillError) -> ScaffoldError:
        """Return the error about a file; without its line if that is not written yet."""
        message = str(error)
        if path in self.changes:
            message = re.sub(r"^\S+:\d+: ", "", message)
        return ScaffoldError(message[:1].upper() + message[1:] if path in self.changes else message)


class _TextFile(TemporaryDirectory[str]):
    """A text as a file of the same name in a temporary folder, for what reads files only."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self._path, self._text = path, text

    def __enter__(self) -> Path:  # type: ignore[override]
        file = Path(super().__enter__()) / self._path
        file.parent.mkdir(parents=True)
        file.write_text(self._text, encoding="utf-8")
        return file


def render(template: str, **values: str) -> str:
    """Return the text of a template, with each `@{field}` replaced by its value."""
    text = (TEMPLATES / f"{template}.template").read_text(encoding="utf-8")
    return FIELD.sub(lambda match: values[match[1]], text)


def append(text: str, block: str) -> str:
    """Return a text with a block at its end, after an empty line."""
    return f"{text.rstrip()}\n\n{block}"


def insert_at_end(text: str, keys: Sequence[str | int], block: str) -> str:
    """Return a YAML text with a block after the last entry of a block mapping or list.

    `keys` lead to it from the root. The rest of the text, with its comments, stays as it is. Raises
    `ScaffoldError` if the text has no such part in block style.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for key in keys:
        node = _child(node, key)
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        place = ".".join(map(str, keys))
        raise ScaffoldError(f"{place} must be a block with entries, one on each line.")
    mark = _last_leaf(node).end_mark
    lines = f"{text.rstrip()}\n".splitlines(keepends=True)
    at = mark.line + bool(mark.column)
    return "".join([*lines[:at], block, *lines[at:]])


def _child(node: Any, key: str | int) -> Any:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key]
    return None


def _last_leaf(node: Any) -> yaml.Node:
    """Return the last value of a block; a value in flow style is one."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    assert isinstance(node, yaml.Node)
    return node


def write_changes(repository: Repository) -> None:
    """Write all changes; if one fails, restore what was there and raise the error."""
    originals: dict[Path, bytes | None] = {}
    folders: list[Path] = []
    try:
        for path, text in repository.changes.items():
            file = repository.root / path
            for folder in reversed(file.parents):
                if not folder.exists():
                    folder.mkdir()
                    folders.append(folder)
            originals[file] = file.read_bytes() if file.exists() else None
            file.write_text(text, encoding="utf-8")
    except BaseException:
        for file, content in originals.items():
            if content is None:
                file.unlink(missing_ok=True)
            else:
                file.write_bytes(content)
        for folder in reversed(folders):
            folder.rmdir()
        raise
