"""Follow a page of the documentation to the letter: write what it says, find what it has run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt


@dataclass(frozen=True)
class Step:
    """A block of code and the paragraph before it, on one line, which says what it is for."""

    says: str
    block: str


class UnclearError(AssertionError):
    """What the page says can't be done: it is about a file that is otherwise by now."""


def steps(page: str) -> Iterator[Step]:
    """Yield every fenced block."""
    says = ""
    for token in MarkdownIt("commonmark").parse(page):
        if token.type == "inline":
            says = " ".join(token.content.split())
        elif token.type == "fence":
            yield Step(says, token.content)
            says = ""


def follow(page: str, root: Path) -> Sequence[str]:
    """Write what a page says to write below `root`; return the commands that it has run."""
    commands: list[str] = []
    for step in steps(page):
        for form, edit in EDITS.items():
            if match := re.search(form, step.says):
                edit(root, match, step.block)
                break
        else:
            commands += step.block.splitlines()
    return commands


def _write(root: Path, match: re.Match[str], block: str) -> None:
    file = root / match[1]
    if file.exists():
        raise UnclearError(f"{match[1]} is there already.")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block)


def _append(root: Path, match: re.Match[str], block: str) -> None:
    file = root / match[1]
    file.write_text(file.read_text() + block)


def _below(root: Path, match: re.Match[str], block: str) -> None:
    lines, at = _place(root, match)
    (root / match[1]).write_text("".join([*lines[: at + 1], block, *lines[at + 1 :]]))


def _above(root: Path, match: re.Match[str], block: str) -> None:
    lines, at = _place(root, match)
    (root / match[1]).write_text("".join([*lines[:at], block, *lines[at:]]))


def _replace(root: Path, match: re.Match[str], block: str) -> None:
    lines, at = _place(root, match)
    lines[at] = lines[at].replace(match[2], block.strip())
    (root / match[1]).write_text("".join(lines))


def _place(root: Path, match: re.Match[str]) -> tuple[list[str], int]:
    """Return a file's lines, and which one the page means."""
    lines = (root / match[1]).read_text().splitlines(keepends=True)
    found = [at for at, line in enumerate(lines) if match[2] in line]
    if len(found) != 1:
        raise UnclearError(f"{match[1]} has {match[2]!r} in {len(found)} lines, and not in one.")
    return lines, found[0]


EDITS: dict[str, Callable[[Path, re.Match[str], str], None]] = {
    r"\bWrite `([^`]+)`:$": _write,
    r"\bAppend to `([^`]+)`.*:$": _append,
    r"\bIn `([^`]+)`, below `([^`]+)`, write:$": _below,
    r"\bIn `([^`]+)`, above `([^`]+)`, write:$": _above,
    r"\bIn `([^`]+)`, replace `([^`]+)` with:$": _replace,
}
