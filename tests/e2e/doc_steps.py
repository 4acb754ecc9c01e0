"""Follow a page of the documentation: make its edits, and collect the commands that it gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt


@dataclass(frozen=True)
class Step:
    """A block of code and the paragraph before it, as one line."""

    paragraph: str
    block: str


class UnclearError(AssertionError):
    """An edit of the page does not fit its file any more."""


def steps(page: str) -> Iterator[Step]:
    """Yield every fenced block."""
    paragraph = ""
    for token in MarkdownIt("commonmark").parse(page):
        if token.type == "inline":
            paragraph = " ".join(token.content.split())
        elif token.type == "fence":
            yield Step(paragraph, token.content)
            paragraph = ""


def follow(page: str, root: Path) -> Sequence[str]:
    """Make the edits of a page below `root`; return the commands that it tells you to run."""
    commands: list[str] = []
    for step in steps(page):
        for form, edit in EDITS.items():
            if match := re.search(form, step.paragraph):
                edit(root, match, step.block)
                break
        else:
            commands += step.block.splitlines()
    return commands


def _write(root: Path, match: re.Match[str], block: str) -> None:
    file = root / match[1]
    if file.exists():
        raise UnclearError(f"{match[1]} exists already: the page says to write it.")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block)


def _append(root: Path, match: re.Match[str], block: str) -> None:
    file = root / match[1]
    file.write_text(file.read_text() + block)


def _patch(root: Path, match: re.Match[str], block: str) -> None:
    """Add the lines with a plus, each after the line before it, or before the one that follows."""
    file = root / match[1]
    lines, position = file.read_text().splitlines(), 0
    added: list[str] = []
    for line in block.splitlines():
        if line.startswith("+"):
            added.append(line[1:])
        elif line[1:]:
            if line[1:] not in lines[position:]:
                raise UnclearError(f"{match[1]} has no line {line[1:]!r} any more.")
            index = lines.index(line[1:], position)
            at = position or index
            lines[at:at] = added
            position = index + len(added) + 1
            added = []
    lines[position:position] = added
    file.write_text("\n".join(lines) + "\n")


EDITS: dict[str, Callable[[Path, re.Match[str], str], None]] = {
    r"\bWrite `([^`]+)`:$": _write,
    r"\bAppend to `([^`]+)`.*:$": _append,
    r"\bIn `([^`]+)`:$": _patch,
}
