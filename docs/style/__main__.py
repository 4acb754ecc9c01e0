"""`python -m docs.style`: list each use of a word of `words.yml`; exit 1 if there is one."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
WORDS = Path(__file__).with_name("words.yml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check every tracked text file; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.style",
        description="List each use of a word of docs/style/words.yml in the tracked files,"
        " and exit with 1 if there are any.",
    )
    parser.parse_args(arguments)
    data = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    skipped = [*data["exempt"], *data["not_yet"]]
    places = [
        f"{path}:{place}"
        for path in tracked()
        if not is_listed(path, skipped) and (text := read(ROOT / path)) is not None
        for place in places_in(text, data["words"])
    ]
    for place in places:
        print(place, file=sys.stderr)  # noqa: T201 - a command's own output
    if data["not_yet"]:
        print(f"Not checked yet: {', '.join(data['not_yet'])}.")  # noqa: T201 - as above
    print(f"{len(places)} words of docs/style/words.yml are used.")  # noqa: T201 - as above
    return 1 if places else 0


def tracked() -> Iterable[str]:
    """Return the path of every file that Git tracks."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    return filter(None, subprocess.check_output(command, text=True).split("\0"))  # noqa: S603


def is_listed(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether a path, or a folder above it, is in a list of patterns."""
    return any(fnmatch(path, pattern) or path.startswith(f"{pattern}/") for pattern in patterns)


def read(file: Path) -> str | None:
    """Return the text of a file, None if it is binary or deleted."""
    try:
        return file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError):
        return None


def places_in(text: str, words: Mapping[str, Any]) -> Iterator[str]:
    """Yield the line number, the word and its replacement for each use of a word in a text."""
    expressions = {_expression(word): instead for word, instead in words.items()}
    for expression, instead in expressions.items():
        for match in expression.finditer(text):
            word = " ".join(match[0].split())
            yield f"{text.count(chr(10), 0, match.start()) + 1}: {word!r}: write {instead}"


def _expression(word: str) -> re.Pattern[str]:
    """Compile a word; an underscore ends one too, and a phrase goes on after a line break."""
    phrase = word.replace(" ", r"\s+(?:# )?")
    return re.compile(rf"(?<![^\W_])(?:{phrase})(?![^\W_])", re.IGNORECASE)


if __name__ == "__main__":
    sys.exit(main())
