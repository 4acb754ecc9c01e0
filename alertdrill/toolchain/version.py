"""Read, compare and cache the versions of programs."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Version = tuple[int, ...]

# Every program of PROGRAMS prints "... version 1.2.3"; the distribution may add "+ds1".
_VERSION = re.compile(r"\bversion[:\s]+v?(\d+(?:\.\d+)+)", re.IGNORECASE)
_TIMEOUT = 10  # seconds; a version takes well under one, even from a cold disk


def parse_version(output: str) -> Version | None:
    """Return the first version in a program's output, or None."""
    match = _VERSION.search(output)
    return tuple(int(part) for part in match.group(1).split(".")) if match else None


def format_version(version: Version) -> str:
    """Format a version: (3, 5) is "3.5"."""
    return ".".join(str(part) for part in version)


def same_release_line(first: Version, second: Version) -> bool:
    """Return whether two versions belong to one release line, such as 3.5."""
    return first[:2] == second[:2]


def read_version(path: Path, flag: str, environment: Mapping[str, str]) -> Version | None:
    """Return a program's version; None if it does not run or prints none."""
    try:
        done = subprocess.run(  # noqa: S603 - the program was found by its catalogue name
            [path, flag],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
            env={"PATH": "/usr/bin:/bin", **environment},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(done.stdout) or parse_version(done.stderr)


class VersionCache:
    """A file with versions read before, since running ten programs delays a start.

    An entry is valid while the program's modification time and size are unchanged.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._entries = _load(file)
        self._changed = False

    def version(self, path: Path, flag: str, environment: Mapping[str, str]) -> Version | None:
        """Return the version of a program; run it only if the cache has no valid entry."""
        seen = path.stat()
        mark = [seen.st_mtime_ns, seen.st_size]
        entry = self._entries.get(str(path))
        if isinstance(entry, dict) and entry.get("mark") == mark:
            return tuple(entry["version"])
        version = read_version(path, flag, environment)
        if version:
            self._entries[str(path)] = {"mark": mark, "version": version}
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


def _load(file: Path) -> dict[str, Any]:
    try:
        entries = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}
