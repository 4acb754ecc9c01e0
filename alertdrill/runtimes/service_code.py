"""The files of the code that a service runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..config import ROOT
from ..config.service import Service

# Every service runs it; the code of a service is in its own folder.
SHARED = "telemetry/alertdrill_telemetry"
# What Python, editors and git write, and Flask's own folder for the files of an application.
NOT_CODE = (".", "__pycache__", "venv", "node_modules", "instance")
# An application may keep other files, such as a database, in its folder.
SUFFIXES = frozenset((".py", ".html", ".jinja", ".jinja2", ".j2", ".sql", ".toml", ".yml", ".yaml"))


def files(service: Service, root: Path = ROOT) -> Iterator[tuple[Path, int]]:
    """Yield each file with the time of its last change, in nanoseconds since 1970."""
    for path in (root / SHARED, root / service.location):
        for folder, folders, names in os.walk(path):
            # A virtual environment has thousands of files.
            folders[:] = [name for name in folders if not name.startswith(NOT_CODE)]
            for file in (Path(folder, name) for name in names if not name.startswith(NOT_CODE)):
                if file.is_file():
                    yield file, file.stat().st_mtime_ns


def last_change(service: Service) -> float:
    """Return the time of the last change of the code, in seconds since 1970; 0 without any."""
    while True:
        with suppress(FileNotFoundError):  # a file disappeared meanwhile: read all of them again
            times = [at / 1e9 for file, at in files(service) if file.suffix in SUFFIXES]
            # A time in the future would always be newer.
            return max((at for at in times if at <= time.time()), default=0.0)
