"""Find programs and their versions, on the PATH or in the cache, or fetch them."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.apt import FetchError
from alertdrill.toolchain.cache import PackageCache, ProgressCallback
from alertdrill.toolchain.programs import (
    Package,
    ProgramSpec,
    Suite,
    Version,
    find_command,
    format_version,
)

Origin = Literal["path", "cache"]
# Every program of PROGRAMS prints "... version 1.2.3"; the distribution may add "+ds1".
_VERSION = re.compile(r"\bversion[:\s]+v?(\d+(?:\.\d+)+)", re.IGNORECASE)
_TIMEOUT_S = 10  # a version takes well under a second, even from a cold disk
# Programs of one package, since they must have one source and one version.
Group = tuple[ProgramSpec, ...]


class ProgramMissingError(AlertdrillError):
    """A required program was not found and could not be fetched."""


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
    Raises ProgramMissingError if a required program cannot be fetched.
    """
    finder = _Finder(cache)
    groups = {group: finder.find(group) for group in by_package(specs)}
    absent = [group for group, programs in groups.items() if not programs]
    groups |= finder.fetch([group for group in absent if group[0].package], on_progress)
    finder.versions.save()
    return ResolvedPrograms(
        {program.name: program for programs in groups.values() for program in programs},
        tuple(
            f"{group[0]} is not on the PATH: {group[0].otherwise}."
            for group in absent
            if not group[0].package
        ),
    )


def find_local(specs: Sequence[ProgramSpec], cache: Path) -> Mapping[str, Program]:
    """Return the programs that are on the PATH or in the cache, by name; fetch nothing."""
    finder = _Finder(cache)
    programs = [program for group in by_package(specs) for program in finder.find(group)]
    return {program.name: program for program in programs}


def by_package(specs: Sequence[ProgramSpec]) -> list[Group]:
    """Group programs by package; a program without one is a group of its own."""
    groups: dict[Package | str, Group] = {}
    for spec in specs:
        key = spec.package or spec.name
        groups[key] = (*groups.get(key, ()), spec)
    return list(groups.values())


class _Finder:
    """The PATH and the cache, with the versions read there."""

    def __init__(self, cache: Path) -> None:
        self._store = PackageCache(cache)
        self.versions = VersionCache(self._store.root / "versions.json")

    def find(self, group: Group) -> list[Program]:
        """Return the programs of a group from the PATH or the cache, or none."""
        return self._matching(group, self._on_path) or self._matching(group, self._in_cache)

    def fetch(
        self, groups: Sequence[Group], on_progress: ProgressCallback
    ) -> Mapping[Group, list[Program]]:
        """Fetch the packages of these groups and return their programs."""
        if groups:
            with self._store.locked(on_progress):
                # Another process may have fetched them while this one waited.
                absent = [group for group in groups if not self._matching(group, self._in_cache)]
                for suite in Suite:
                    self._fetch_from(suite, absent, on_progress)
        return {group: self._fetched(group) for group in groups}

    def _fetch_from(
        self, suite: Suite, groups: Sequence[Group], on_progress: ProgressCallback
    ) -> None:
        needed = {group[0].package: group[0] for group in groups}
        packages = [package for package in needed if package and package.suite is suite]
        if not packages:
            return
        specs = [needed[package] for package in packages]
        names = ", ".join(map(str, specs))
        on_progress(f"fetching {names} from the distribution's {suite.value} …")
        try:
            self._store.fetch(packages)
        except FetchError as error:
            raise missing_error(specs, str(error)) from error

    def _fetched(self, group: Group) -> list[Program]:
        programs = self._matching(group, self._in_cache)
        if programs:
            return programs
        cached = [program for spec in group if (program := self._in_cache(spec))]
        versions = ", ".join(
            f"{program.name} {format_version(program.version)}" for program in cached
        )
        raise missing_error(group, f"the distribution has {versions or 'nothing that runs here'}")

    def _matching(
        self, group: Group, find: Callable[[ProgramSpec], Program | None]
    ) -> list[Program]:
        """Return a group's programs if one source has all, in sufficient and matching versions."""
        programs = [program for spec in group if (program := find(spec))]
        if len(programs) < len(group):
            return []
        enough = all(
            program.version >= spec.minimum for program, spec in zip(programs, group, strict=True)
        )
        # One release line, such as 3.5.
        alike = len({program.version[:2] for program in programs}) == 1
        return programs if enough and alike else []

    def _on_path(self, spec: ProgramSpec) -> Program | None:
        return self._newest(spec, [find_command(command) for command in spec.commands], {}, "path")

    def _in_cache(self, spec: ProgramSpec) -> Program | None:
        if spec.built:
            folders = [self._store.built(spec.name)]
        elif spec.package:
            unpacked = self._store.folder(spec.package)
            folders = [unpacked / "usr/bin", unpacked / "usr/sbin"]
        else:
            return None
        path = os.pathsep.join(map(str, folders))
        files = [shutil.which(command, path=path) for command in spec.commands]
        if not spec.package:
            return self._newest(spec, files, {}, "cache")
        environment = library_environment(unpacked) if spec.package.complete else {}
        program = self._newest(spec, files, environment, "cache")
        if program and spec.package.files:
            return replace(program, files=unpacked / spec.package.files.lstrip("/"))
        return program

    def _newest(
        self,
        spec: ProgramSpec,
        files: Sequence[str | None],
        environment: Mapping[str, str],
        origin: Origin,
    ) -> Program | None:
        programs = []
        for path in (Path(file).absolute() for file in files if file):
            if version := self.versions.version(path, spec.version_flag, environment):
                programs.append(Program(spec.name, path, version, environment, origin))
        return max(programs, key=lambda program: program.version, default=None)


def missing_error(needed: Sequence[ProgramSpec], reason: str) -> ProgramMissingError:
    """Return the error for missing programs, with the reason and what to do."""
    names = ", ".join(map(str, needed))
    them = "it" if len(needed) == 1 else "them"
    return ProgramMissingError(
        f"{names} could not be found or fetched: {reason.rstrip('.')}; "
        f"install {them} on the PATH and try again."
    )


def library_environment(folder: Path) -> dict[str, str]:
    """Return the variables with which an unpacked package finds its libraries."""
    # Directly in lib, or in the folder of an architecture, as the distribution puts them.
    patterns = ("lib/lib*.so*", "lib/*-linux-*/lib*.so*")
    libraries = [
        file
        for top in (folder, folder / "usr")
        for pattern in patterns
        for file in top.glob(pattern)
    ]
    folders = sorted({str(library.parent) for library in libraries})
    return {"LD_LIBRARY_PATH": os.pathsep.join(folders)} if folders else {}


def parse_version(output: str) -> Version | None:
    """Return the first version in a program's output, or None."""
    match = _VERSION.search(output)
    return tuple(int(part) for part in match.group(1).split(".")) if match else None


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
