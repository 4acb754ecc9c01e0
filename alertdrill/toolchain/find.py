"""Find programs and their versions, on the PATH or in the cache, or fetch them."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.cache import PackageCache, ProgressCallback
from alertdrill.toolchain.commands import CommandError, find_command
from alertdrill.toolchain.programs import ProgramSpec, Suite, Version, format_version

Origin = Literal["path", "cache"]
# Every program of PROGRAMS prints "... version 1.2.3"; the distribution may add "+ds1".
_VERSION = re.compile(r"\bversion[:\s]+v?(\d+(?:\.\d+)+)", re.IGNORECASE)
_TIMEOUT_S = 10  # a version takes well under a second, even from a cold disk
# Programs of one package, since they must have one source and one version.
Group = Sequence[ProgramSpec]


@dataclass(frozen=True, slots=True)
class Program:
    """A program that can run, with variables to add to its environment.

    A `files` folder must be in its working directory, under the name `DATA_FOLDER`.
    """

    name: str
    path: Path
    version: Version
    environment: Mapping[str, str]
    origin: Origin
    files: Path | None = None


@dataclass(frozen=True, slots=True)
class ResolvedPrograms:
    """The programs found, by name, and one message for each missing optional program."""

    programs: Mapping[str, Program]
    missing: tuple[str, ...]


def resolve_programs(
    specs: Sequence[ProgramSpec], cache: Path, on_progress: ProgressCallback
) -> ResolvedPrograms:
    """Find programs, and fetch missing required ones into `cache`.

    The PATH is used if it has every program of a package in a sufficient version, then the cache.
    Raises `AlertdrillError` if a required program cannot be fetched.
    """
    programs = dict(find_local(specs, cache))
    absent = [spec for spec in specs if spec.name not in programs]
    required = [spec for spec in absent if spec.package]
    if required:
        programs |= _fetch(required, cache, on_progress)
    return ResolvedPrograms(
        programs,
        tuple(
            f"{spec} is not on the PATH: {spec.otherwise}." for spec in absent if not spec.package
        ),
    )


def find_local(specs: Sequence[ProgramSpec], cache: Path) -> Mapping[str, Program]:
    """Return the programs that are on the PATH or in the cache, by name; fetch nothing."""
    programs: list[Program] = []
    for group in _by_package(specs):
        programs += _find(group, cache, "path") or _find(group, cache, "cache")
    return {program.name: program for program in programs}


def _by_package(specs: Sequence[ProgramSpec]) -> list[Group]:
    groups: dict[object, list[ProgramSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.package or spec.name, []).append(spec)
    return list(groups.values())


def _find(group: Group, cache: Path, origin: Origin) -> list[Program]:
    """Return a group's programs if `origin` has all, in sufficient and matching versions."""
    programs = [program for spec in group if (program := _locate(spec, cache, origin))]
    if len(programs) < len(group):
        return []
    enough = all(
        program.version >= spec.minimum for program, spec in zip(programs, group, strict=True)
    )
    # One release line, such as 3.5.
    alike = len({program.version[:2] for program in programs}) == 1
    return programs if enough and alike else []


def _locate(spec: ProgramSpec, cache: Path, origin: Origin) -> Program | None:
    """Return the newest program of a spec."""
    environment: Mapping[str, str] = {}
    data = None
    commands = spec.commands or (spec.name,)
    if origin == "path":
        files = [find_command(command) for command in commands]
    else:
        name = spec.package.name if spec.package else f"built-{spec.name}"
        folder = PackageCache(cache).root / name
        folders = (folder, folder / "usr/bin", folder / "usr/sbin")
        path = os.pathsep.join(map(str, folders))
        files = [shutil.which(command, path=path) for command in commands]
        if spec.package and spec.package.complete:
            environment = library_environment(folder)
        if spec.package and spec.package.files:
            data = folder / spec.package.files.lstrip("/")
    programs = [
        Program(spec.name, Path(file).absolute(), version, environment, origin, data)
        for file in files
        if file and (version := _version(file, spec.version_flag, environment, cache))
    ]
    return max(programs, key=lambda program: program.version, default=None)


def _version(file: str, flag: str, environment: Mapping[str, str], cache: Path) -> Version | None:
    """Return a program's version; run it only if it changed, since ten programs take a while."""
    seen = Path(file).stat()
    version_file = cache / "versions" / f"{Path(file).name}-{seen.st_mtime_ns}-{seen.st_size}"
    with suppress(OSError, ValueError):
        return tuple(map(int, version_file.read_text().split(".")))
    version = read_version(file, flag, environment)
    if version:
        with suppress(OSError):  # an unwritable cache only costs time
            version_file.parent.mkdir(parents=True, exist_ok=True)
            version_file.write_text(format_version(version))
    return version


def _fetch(
    specs: Sequence[ProgramSpec], cache: Path, on_progress: ProgressCallback
) -> Mapping[str, Program]:
    """Fetch the packages of these programs and return the programs, by name."""
    store = PackageCache(cache)
    groups = _by_package(specs)
    with store.locked(on_progress) as work:
        # Another process may have fetched them while this one waited.
        absent = [group[0] for group in groups if not _find(group, cache, "cache")]
        for suite in Suite:
            needed = [spec for spec in absent if spec.package and spec.package.suite is suite]
            if needed:
                names = ", ".join(map(str, needed))
                on_progress(f"fetching {names} from the distribution's {suite.value} …")
                try:
                    store.fetch([spec.package for spec in needed if spec.package], work)
                except CommandError as error:
                    raise _missing_error(needed, str(error)) from error
    for group in groups:
        if not _find(group, cache, "cache"):
            cached = [program for spec in group if (program := _locate(spec, cache, "cache"))]
            versions = [f"{item.name} {format_version(item.version)}" for item in cached]
            has = ", ".join(versions) or "nothing that runs here"
            raise _missing_error(group, f"the distribution has {has}")
    return find_local(specs, cache)


def _missing_error(needed: Sequence[ProgramSpec], reason: str) -> AlertdrillError:
    names = ", ".join(map(str, needed))
    them = "it" if len(needed) == 1 else "them"
    return AlertdrillError(
        f"{names} could not be found or fetched: {reason.rstrip('.')}; "
        f"install {them} on the PATH and try again."
    )


def library_environment(folder: Path) -> dict[str, str]:
    """Return the variables with which an unpacked package finds its libraries."""
    # Directly in lib, or in the folder of an architecture, as the distribution puts them.
    libraries = [
        library
        for top in (folder, folder / "usr")
        for pattern in ("lib/lib*.so*", "lib/*-linux-*/lib*.so*")
        for library in top.glob(pattern)
    ]
    folders = sorted({str(library.parent) for library in libraries})
    return {"LD_LIBRARY_PATH": os.pathsep.join(folders)} if folders else {}


def read_version(path: str, flag: str, environment: Mapping[str, str]) -> Version | None:
    """Return the first version that a program prints; None if it does not run or prints none."""
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
    match = _VERSION.search(done.stdout) or _VERSION.search(done.stderr)
    return tuple(int(part) for part in match[1].split(".")) if match else None
