"""The cache of fetched packages: one complete unpacked folder each."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from alertdrill.toolchain.apt import PrivateApt, unpack
from alertdrill.toolchain.errors import CacheError
from alertdrill.toolchain.path_patch import patch_path
from alertdrill.toolchain.specs import DATA_FOLDER, Package, Suite

ProgressCallback = Callable[[str], None]

# The prefix of temporary folders.
WORK_PREFIX = ".fetch-"
# Servers are installed here, and not every user's PATH has these.
SBIN_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def default_cache(environ: Mapping[str, str]) -> Path:
    """Return the cache folder: ALERTDRILL_CACHE, or alertdrill/ in the user's cache folder."""
    if chosen := environ.get("ALERTDRILL_CACHE"):
        return Path(chosen).absolute()
    users = environ.get("XDG_CACHE_HOME")
    return (Path(users) if users else Path.home() / ".cache") / "alertdrill"


def default_search_path(environ: Mapping[str, str]) -> str:
    """Return the PATH, followed by the sbin folders."""
    return os.pathsep.join((environ.get("PATH", os.defpath), *SBIN_FOLDERS))


class PackageCache:
    """Fetched packages under `cache`/programs; `search_path` is where apt-get and dpkg are."""

    def __init__(self, cache: Path, search_path: str) -> None:
        self.root = cache / "programs"
        self._search_path = search_path

    def folder(self, package: Package) -> Path:
        """Return the folder of a package; if it exists, it is complete."""
        return self.root / package.name

    def built(self, name: str) -> Path:
        """Return the folder of a program built here; if it exists, it is complete."""
        return self.root / f"built-{name}"

    def clear(self) -> None:
        """Remove what a killed process left. Call it while locked."""
        for left_over in self.root.glob(f"{WORK_PREFIX}*"):
            shutil.rmtree(left_over, ignore_errors=True)

    @contextmanager
    def locked(self, on_progress: ProgressCallback) -> Iterator[None]:
        """Lock the cache, so that only one process fetches."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / "lock").open("w")
        except OSError as error:
            raise CacheError(
                f"cannot write to {self.root} ({error.strerror}); "
                "name a folder that you can write to in ALERTDRILL_CACHE"
            ) from error
        with lock:
            _hold(lock.fileno(), on_progress)
            yield

    def fetch(self, packages: Sequence[Package]) -> None:
        """Fetch these packages of one suite, replacing what is there. Call it while locked.

        Raises FetchError with the reason; leaves nothing incomplete.
        """
        self.clear()
        with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=self.root) as name:
            work = Path(name)
            self._unpack_all(packages, work)
            for package in packages:
                self._put_in_place(work / package.name, self.folder(package))

    def _unpack_all(self, packages: Sequence[Package], work: Path) -> None:
        for suite in Suite:
            of_suite = [package for package in packages if package.suite is suite]
            if not of_suite:
                continue
            apt = _private_apt(work / suite.name, suite, self._search_path)
            for package, debs in _download(apt, of_suite):
                (work / package.name).mkdir()
                for deb in debs:
                    unpack(deb, work / package.name, self._search_path)
                _rebase(package, work / package.name)

    def _put_in_place(self, fresh: Path, place: Path) -> None:
        if place.exists():
            place.rename(fresh.with_name(f"{fresh.name}.old"))  # deleted with the work folder
        fresh.rename(place)


def _private_apt(folder: Path, suite: Suite, search_path: str) -> PrivateApt:
    folder.mkdir()
    apt = PrivateApt(folder, suite, search_path)
    apt.update()
    return apt


def _download(
    apt: PrivateApt, packages: Sequence[Package]
) -> Iterator[tuple[Package, Sequence[Path]]]:
    alone = {
        package: (package.name, *(part for part in package.parts if apt.has(part)))
        for package in packages
        if not package.complete
    }
    debs = apt.download([name for names in alone.values() for name in names]) if alone else []
    for package, names in alone.items():
        yield package, [deb for deb in debs if deb.name.partition("_")[0] in names]
    for package in packages:
        if package.complete:
            yield package, apt.download_complete(package.name)


def _rebase(package: Package, folder: Path) -> None:
    if package.files:
        for program in (folder / "usr" / "bin").iterdir():
            patch_path(program, package.files, DATA_FOLDER)


def _hold(lock: int, on_progress: ProgressCallback) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        on_progress("another run is fetching programs, waiting for it …")
        fcntl.flock(lock, fcntl.LOCK_EX)
