"""The marked blocks of `.env` that our commands write: one for each command."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from ..errors import AlertdrillError

_BEGIN = "# Written by {}. Do not edit: the whole block is replaced."
_END = "# End of the block of {}."


@dataclass(frozen=True)
class EnvBlock:
    """The block that a command writes, such as `make images`.

    It may set a variable that a user sets in `.env` only if it `overrides` that line.
    """

    command: str
    overrides: bool = False

    @property
    def begin(self) -> str:
        """The first line of the block."""
        return _BEGIN.format(self.command)

    @property
    def end(self) -> str:
        """The last line of the block."""
        return _END.format(self.command)

    def remove_from(self, text: str) -> str:
        """Return the text of `.env` without the block."""
        return self._lines.sub("", text)

    def blank_in(self, text: str) -> str:
        """Return the text of `.env` with empty lines in place of the block."""
        return self._lines.sub(lambda block: "\n" * block[0].count("\n"), text)

    @property
    def _lines(self) -> re.Pattern[str]:
        lines = f"^{re.escape(self.begin)}$.*?^{re.escape(self.end)}$\n?"
        return re.compile(lines, re.MULTILINE | re.DOTALL)

    def read_others(self, file: Path, names: Iterable[str]) -> str:
        """Return the text of `.env` without the block; it is empty without a file.

        Raises `AlertdrillError` if a user sets one of these variables there, and the block does
        not override it.
        """
        try:
            text = self.remove_from(file.read_text())
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise AlertdrillError(f"{file} can't be read: {error}.") from error
        if self.begin in text:
            raise AlertdrillError(
                f".env has no line {self.end!r} after {self.begin!r}: put it back, or remove both."
            )
        own = text
        for block in BLOCKS:
            own = block.remove_from(own)
        others = dotenv_values(stream=io.StringIO(own), interpolate=False)
        if not self.overrides and (taken := sorted(set(names) & set(others))):
            them = "that line" if len(taken) == 1 else "those lines"
            raise AlertdrillError(
                f".env sets {', '.join(taken)}, which `{self.command}` sets: remove {them}."
            )
        return text

    def write(self, file: Path, values: Mapping[str, str]) -> None:
        """Write the values into `.env`, atomically; without values, remove the block.

        Raises what `read_others` raises.
        """
        others = self.read_others(file, values)
        lines = [self.begin, *(f"{name}={value}" for name, value in values.items()), self.end]
        gap = "" if not others or others.endswith("\n") else "\n"
        text = others + gap + "\n".join(lines) + "\n" if values else others
        if text == (file.read_text() if file.exists() else ""):
            return
        fresh = file.with_name(f"{file.name}.new")
        try:
            fresh.unlink(missing_ok=True)
            fresh.touch(mode=0o600)  # it may hold a password
            fresh.write_text(text)
            if file.exists():
                fresh.chmod(file.stat().st_mode)
            fresh.replace(file)
        except OSError as error:
            raise AlertdrillError(f"{file} can't be written: {error.strerror}.") from error


IMAGES = EnvBlock("make images")
# What Docker Compose needs on this host: `alertdrill up` finds it out, a plain Compose does not.
HOST = EnvBlock("alertdrill up", overrides=True)
BLOCKS = (IMAGES, HOST)
