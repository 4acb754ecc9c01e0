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


class EnvBlockError(AlertdrillError):
    """`.env` conflicts with the block, or cannot be written."""


def with_block(text: str, values: Mapping[str, str]) -> str:
    """Return the text of `.env` with a new block of these values.

    Raises `EnvBlockError` for a variable that is set outside the block.
    """
    rest = without_block(text)
    require_unset(rest, values)
    lines = [BEGIN, *(f"{name}={value}" for name, value in values.items()), END]
    gap = "" if not rest or rest.endswith("\n") else "\n"
    return rest + gap + "\n".join(lines) + "\n"


def without_block(text: str) -> str:
    """Return the text without the block."""
    rest = _BLOCK.sub("", text)
    if BEGIN in rest:
        raise EnvBlockError(
            f".env has no line {END!r} after {BEGIN!r}: put it back, or remove both."
        )
    return rest


def require_unset(text: str, names: Iterable[str]) -> None:
    """Raise `EnvBlockError` if one of these is set outside the block."""
    others = dotenv_values(stream=io.StringIO(without_block(text)), interpolate=False)
    taken = sorted(set(names) & set(others))
    if taken:
        them = "that line" if len(taken) == 1 else "those lines"
        raise EnvBlockError(
            f".env sets {', '.join(taken)}, which `make images` sets: remove {them}."
        )


def read_env(file: Path) -> str:
    """Return the text of `.env`; empty without a file."""
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise EnvBlockError(f"{file} can't be read: {error}.") from error


def write_env(file: Path, values: Mapping[str, str]) -> None:
    """Write the block into `.env`, atomically."""
    text = with_block(read_env(file), values)
    fresh = file.with_name(f"{file.name}.new")
    try:
        fresh.write_text(text)
        if file.exists():
            fresh.chmod(file.stat().st_mode)  # it may hold a password
        fresh.replace(file)
    except OSError as error:
        raise EnvBlockError(f"{file} can't be written: {error.strerror}.") from error
