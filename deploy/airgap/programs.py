"""Find the programs for the images, and their origin."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alertdrill.toolchain.cache import DATA_FOLDER, ProgressCallback, pad_path, patch_path
from alertdrill.toolchain.find import Program, ResolvedPrograms, resolve_programs
from alertdrill.toolchain.programs import PROGRAMS, Package, ProgramSpec, Suite

from .images import ImageSpec

# Only the images need it: the native runtime has no batch jobs.
PUSHGATEWAY = ProgramSpec(
    name="pushgateway",
    commands=("pushgateway", "prometheus-pushgateway"),
    minimum=(1, 5),  # what Debian 12 has, the oldest system we support
    package=Package("prometheus-pushgateway", Suite.DEVELOPMENT),
    why="stores the metrics that batch jobs push",
)
_ALL: Mapping[str, ProgramSpec] = {item.name: item for item in (*PROGRAMS, PUSHGATEWAY)}
# A file that marks Grafana's home folder.
_HOME = Path("conf/defaults.ini")


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of an image's content."""

    text: str
    path: str = ""
    sha256: str = ""


def find(
    images: Sequence[ImageSpec], cache: Path, on_progress: ProgressCallback
) -> ResolvedPrograms:
    """Find the programs of these images, and fetch required ones into the cache."""
    names = [name for image in images for name in image.programs]
    return resolve_programs([_ALL[name] for name in names], cache, on_progress)


def copy(image: ImageSpec, programs: Mapping[str, Program], context: Path) -> None:
    """Copy an image's programs, under their names in PROGRAMS, and their data to `share`."""
    for name in image.programs:
        place = context / name
        place.write_bytes(programs[name].path.read_bytes())
        place.chmod(0o755)
        package = _ALL[name].package
        if package and package.files:
            # The cached program has a relative data path; in an image, the original path is right.
            patch_path(place, pad_path(DATA_FOLDER, len(package.files)), package.files)
    if image.share:
        copy_share(_share(image, programs[image.programs[0]]), context / "share")


def copy_share(source: Path | None, place: Path) -> None:
    """Copy a data folder; create an empty one without a source."""
    place.mkdir()
    for path in sorted(source.rglob("*")) if source else []:
        target = place / path.relative_to(source or path)
        if path.is_dir():
            target.mkdir()
        elif path.is_file():
            target.write_bytes(path.read_bytes())


def origin(program: Program) -> Origin:
    """Return a program's origin: a package and its version, or a file and its checksum."""
    package = _ALL[program.name].package
    if program.origin == "cache" and package:
        version = _package_version(program.path.parents[1] / "share/doc" / package.name)
        return Origin(f"{package.name} {version} of the {package.suite.value}")
    digest = hashlib.sha256(program.path.read_bytes()).hexdigest()
    return Origin(f"{program.path} of this host", str(program.path), digest)


def _package_version(documents: Path) -> str:
    """Read a package's version from its changelog, since the package file is deleted."""
    for name in ("changelog.Debian.*.gz", "changelog.Debian.gz", "changelog.gz"):
        for file in sorted(documents.glob(name)):
            with gzip.open(file, "rt", errors="replace") as text:
                if match := re.match(r"\S+ \(([^)]+)\)", text.readline()):
                    return match[1]
    return "of unknown version"


def _share(image: ImageSpec, program: Program) -> Path | None:
    """Return the data folder of a program, such as /usr/share for /usr/bin."""
    top = program.path.parents[1] / "share" / image.share
    unpacked = program.path.resolve().parents[1]  # as in an archive of Grafana's own
    homes = [unpacked, top] if image.share == "grafana" else [top]
    for home in homes:
        if home.is_dir() and (image.share != "grafana" or (home / _HOME).is_file()):
            return home
    return None
