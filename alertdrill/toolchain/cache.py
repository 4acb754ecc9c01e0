"""The cache of fetched packages and built programs: one complete folder each."""

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from alertdrill.errors import AlertdrillError
from alertdrill.file_lock import file_lock
from alertdrill.toolchain import apt
from alertdrill.toolchain.programs import Package

ProgressCallback = Callable[[str], None]

# The name of an unpacked program's data folder in its working directory.
DATA_FOLDER = "builtin"


def default_cache() -> Path:
    """Return the cache folder: ALERTDRILL_CACHE, or alertdrill/ in the user's cache folder."""
    if chosen := os.environ.get("ALERTDRILL_CACHE"):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alertdrill"


class PackageCache:
    """Fetched packages and built programs, under `cache`/programs.

    If a folder exists, it is complete.
    """

    def __init__(self, cache: Path) -> None:
        self.root = cache / "programs"

    @contextmanager
    def locked(self, on_progress: ProgressCallback) -> Iterator[Path]:
        """Lock the cache, so that only one process writes; provide a temporary folder in it."""
        message = "another run is fetching programs, waiting for it …"
        lock = file_lock(self.root / "lock", timeout=math.inf, on_wait=lambda: on_progress(message))
        with ExitStack() as on_exit:
            try:
                on_exit.enter_context(lock)
            except OSError as error:
                raise AlertdrillError(
                    f"cannot write to {self.root} ({error.strerror}); "
                    "name a folder that you can write to in ALERTDRILL_CACHE"
                ) from error
            for leftover in self.root.glob(".fetch-*"):  # of a killed process
                shutil.rmtree(leftover, ignore_errors=True)
            work = tempfile.TemporaryDirectory(prefix=".fetch-", dir=self.root)
            yield Path(on_exit.enter_context(work))

    def fetch(self, packages: Sequence[Package], work: Path) -> None:
        """Fetch packages of one suite, replacing what is there; `work` is from `locked`.

        Raises `CommandError` with the reason; leaves nothing incomplete.
        """
        unpacked = work / packages[0].suite.name
        apt.fetch(packages, unpacked)
        for package in packages:
            if package.files:
                for program in (unpacked / package.name / "usr" / "bin").iterdir():
                    patch_path(program, package.files, DATA_FOLDER)
            self.put(unpacked / package.name)

    def put(self, fresh: Path) -> None:
        """Move a complete folder from the temporary one into the cache, under its name."""
        place = self.root / fresh.name
        if place.exists():
            place.rename(fresh.with_name(f"{fresh.name}.old"))  # deleted with the temporary folder
        fresh.rename(place)


def patch_path(program: Path, built_in: str, linked: str) -> None:
    """Replace the folder `built_in` in a program by `linked`, a name in its working directory.

    The replacement must have the same length, so it is padded with `./`. Package managers relocate
    programs into a user's folder in the same way. A program without the path stays unchanged.
    """
    content = program.read_bytes()
    changed = content.replace(built_in.encode(), pad_path(linked, len(built_in)).encode())
    if changed != content:
        mode = program.stat().st_mode
        program.write_bytes(changed)
        program.chmod(mode)


def pad_path(path: str, length: int) -> str:
    """Return a relative path of exactly `length` characters that leads to `path`."""
    filling = length - len(path)
    if filling < 0 or filling == 1:
        raise ValueError(f"{path!r} cannot be padded to {length} characters.")
    return "./" * (filling // 2) + "/" * (filling % 2) + path
