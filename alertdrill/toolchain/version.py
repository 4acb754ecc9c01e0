"""Read the version of a program, compare versions, remember what was read."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Version = tuple[int, ...]

# Every program of the catalogue writes "... version 1.2.3"; the distribution may add "+ds1".
_VERSION = re.compile(r"\bversion[:\s]+v?(\d+(?:\.\d+)+)", re.IGNORECASE)
_TIMEOUT = 10  # seconds; a version takes well under one, even from a cold disk


def parse_version(output: str) -> Version | None:
    """Return the first version that a program's version output names, or None."""
    match = _VERSION.search(output)
    return tuple(int(part) for part in match.group(1).split(".")) if match else None


def format_version(version: Version) -> str:
    """Write a version the usual way: (3, 5) is "3.5"."""
    return ".".join(str(part) for part in version)


def same_release_line(one: Version, other: Version) -> bool:
    """Tell whether two versions belong to one release line, such as 3.5."""
    return one[:2] == other[:2]


def read_version(path: Path, flag: str, environment: Mapping[str, str]) -> Version | None:
    """Run a program for its version; None when it does not run or does not say."""
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
    """Versions read before, kept in a file: asking ten programs takes longer than a start may.

    An entry holds as long as the program's modification time and size do.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._entries = _load(file)
        self._changed = False

    def version(self, path: Path, flag: str, environment: Mapping[str, str]) -> Version | None:
        """Return the version of the program at `path`, asking it only when it is new here."""
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
        """Write what was learned; a cache that cannot be written only costs time."""
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
