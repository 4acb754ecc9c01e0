"""Read the versions of programs, and cache them."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

Version = tuple[int, ...]

# Every program of PROGRAMS prints "... version 1.2.3"; the distribution may add "+ds1".
_VERSION = re.compile(r"\bversion[:\s]+v?(\d+(?:\.\d+)+)", re.IGNORECASE)
_TIMEOUT_S = 10  # a version takes well under a second, even from a cold disk


def parse_version(output: str) -> Version | None:
    """Return the first version in a program's output, or None."""
    match = _VERSION.search(output)
    return tuple(int(part) for part in match.group(1).split(".")) if match else None


def format_version(version: Version) -> str:
    """Format a version: (3, 5) is "3.5"."""
    return ".".join(str(part) for part in version)


def read_version(path: Path, flag: str, environment: Mapping[str, str]) -> Version | None:
    """Return a program's version; None if it does not run or prints none."""
    try:
        done = subprocess.run(  # noqa: S603 - the program was found by its name in PROGRAMS
            [path, flag],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
            env={"PATH": "/usr/bin:/bin", **environment},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(done.stdout) or parse_version(done.stderr)


class VersionCache:
    """A file of versions by path, modification time and size: ten programs take a while to run."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed = False
        try:
            entries = json.loads(file.read_text())
        except (OSError, ValueError):
            entries = None
        self._entries: dict[str, list[int]] = entries if isinstance(entries, dict) else {}

    def version(self, path: Path, flag: str, environment: Mapping[str, str]) -> Version | None:
        """Return the version of a program; run it only if it changed."""
        seen = path.stat()
        key = f"{path} {seen.st_mtime_ns} {seen.st_size}"
        if key in self._entries:
            return tuple(self._entries[key])
        version = read_version(path, flag, environment)
        if version:
            self._entries[key] = list(version)
            self._changed = True
        return version

    def save(self) -> None:
        """Write new entries; an unwritable file only costs time."""
        if not self._changed:
            return
        fresh = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(self._entries, indent=1))
            fresh.replace(self._file)
        except OSError:
            return
        self._changed = False
