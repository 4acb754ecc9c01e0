"""The marked block of `.env` that `make images` writes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from dotenv import dotenv_values

from alertdrill.errors import AlertdrillError

BEGIN = "# Written by make images. Do not edit: the whole block is replaced."
END = "# End of the block of make images."
_BLOCK = re.compile(rf"^{re.escape(BEGIN)}$.*?^{re.escape(END)}$\n?", re.MULTILINE | re.DOTALL)


def read_others(file: Path, names: Iterable[str]) -> str:
    """Return the text of `.env` without the block; it is empty without a file.

    Raises `AlertdrillError` if it sets one of these variables.
    """
    try:
        text = _BLOCK.sub("", file.read_text())
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise AlertdrillError(f"{file} can't be read: {error}.") from error
    if BEGIN in text:
        raise AlertdrillError(
            f".env has no line {END!r} after {BEGIN!r}: put it back, or remove both."
        )
    others = dotenv_values(stream=io.StringIO(text), interpolate=False)
    if taken := sorted(set(names) & set(others)):
        them = "that line" if len(taken) == 1 else "those lines"
        raise AlertdrillError(
            f".env sets {', '.join(taken)}, which `make images` sets: remove {them}."
        )
    return text


def write_env(file: Path, values: Mapping[str, str]) -> None:
    """Write the values into `.env` as its block, atomically; raise what `read_others` raises."""
    others = read_others(file, values)
    lines = [BEGIN, *(f"{name}={value}" for name, value in values.items()), END]
    gap = "" if not others or others.endswith("\n") else "\n"
    fresh = file.with_name(f"{file.name}.new")
    try:
        fresh.write_text(others + gap + "\n".join(lines) + "\n")
        if file.exists():
            fresh.chmod(file.stat().st_mode)  # it may hold a password
        fresh.replace(file)
    except OSError as error:
        raise AlertdrillError(f"{file} can't be written: {error.strerror}.") from error
