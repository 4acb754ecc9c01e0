"""The cache of fetched packages: one complete unpacked folder each."""

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from alertdrill.errors import AlertdrillError
from alertdrill.file_lock import file_lock
from alertdrill.toolchain.apt import PrivateApt, unpack
from alertdrill.toolchain.programs import Package

ProgressCallback = Callable[[str], None]

# The name of an unpacked program's data folder in its working directory.
DATA_FOLDER = "builtin"
# The prefix of temporary folders.
WORK_PREFIX = ".fetch-"


class CacheError(AlertdrillError):
    """The folder for fetched programs cannot be written."""


def default_cache(environ: Mapping[str, str]) -> Path:
    """Return the cache folder: ALERTDRILL_CACHE, or alertdrill/ in the user's cache folder."""
    if chosen := environ.get("ALERTDRILL_CACHE"):
        return Path(chosen).absolute()
    users = environ.get("XDG_CACHE_HOME")
    return (Path(users) if users else Path.home() / ".cache") / "alertdrill"


class PackageCache:
    """Fetched packages and built programs, under `cache`/programs."""

    def __init__(self, cache: Path) -> None:
        self.root = cache / "programs"

    def folder(self, package: Package) -> Path:
        """Return the folder of a package; if it exists, it is complete."""
        return self.root / package.name

    def built(self, name: str) -> Path:
        """Return the folder of a program built here; if it exists, it is complete."""
        return self.root / f"built-{name}"

    @contextmanager
    def locked(self, on_progress: ProgressCallback) -> Iterator[None]:
        """Lock the cache, so that only one process fetches, and remove a killed process's rest."""
        message = "another run is fetching programs, waiting for it …"
        lock = file_lock(self.root / "lock", timeout=math.inf, on_wait=lambda: on_progress(message))
        with ExitStack() as on_exit:
            try:
                on_exit.enter_context(lock)
            except OSError as error:
                raise CacheError(
                    f"cannot write to {self.root} ({error.strerror}); "
                    "name a folder that you can write to in ALERTDRILL_CACHE"
                ) from error
            for leftover in self.root.glob(f"{WORK_PREFIX}*"):
                shutil.rmtree(leftover, ignore_errors=True)
            yield

    def fetch(self, packages: Sequence[Package]) -> None:
        """Fetch these packages of one suite, replacing what is there. Call it while locked.

        Raises FetchError with the reason; leaves nothing incomplete.
        """
        with self.work_folder() as work:
            apt = PrivateApt(work / "apt", packages[0].suite)
            apt.update()
            for package in packages:
                unpacked = work / package.name
                unpacked.mkdir()
                for deb in apt.download(package):
                    unpack(deb, unpacked)
                if package.files:
                    for program in (unpacked / "usr" / "bin").iterdir():
                        patch_path(program, package.files, DATA_FOLDER)
            for package in packages:
                self.put(work / package.name, self.folder(package))

    @contextmanager
    def work_folder(self) -> Iterator[Path]:
        """Make a temporary folder in the cache's own file system."""
        with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=self.root) as name:
            yield Path(name)

    def put(self, fresh: Path, place: Path) -> None:
        """Move a complete folder from the work folder into its place."""
        if place.exists():
            place.rename(fresh.with_name(f"{fresh.name}.old"))  # deleted with the work folder
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
    odd = "/" if filling % 2 else ""
    return "./" * (filling // 2) + odd + path
