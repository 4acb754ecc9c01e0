"""Find programs on the PATH or in the cache, or fetch them."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from alertdrill.toolchain.errors import FetchError, ProgramMissingError
from alertdrill.toolchain.package_cache import PackageCache, ProgressCallback, default_search_path
from alertdrill.toolchain.specs import Package, ProgramSpec
from alertdrill.toolchain.version import Version, VersionCache, format_version, same_release_line

Origin = Literal["path", "cache"]


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


Group = Sequence[ProgramSpec]
Find = Callable[[ProgramSpec], Program | None]


def resolve_programs(
    specs: Sequence[ProgramSpec],
    cache: Path,
    on_progress: ProgressCallback,
    search_path: str | None = None,
) -> ResolvedPrograms:
    """Find programs, and fetch missing required ones into `cache`.

    The PATH is used if it has every program of a package in a sufficient version, then the cache.
    Raises ProgramMissingError if a required program cannot be fetched.
    """
    search_path = search_path or default_search_path(os.environ)
    search = _Search(PackageCache(cache, search_path), search_path)
    groups = by_package(specs)
    local = [search.find(group) for group in groups]
    absent = [group for group, programs in zip(groups, local, strict=True) if not programs]
    fetched = search.fetch([group for group in absent if group[0].package], on_progress)
    search.book.save()
    return ResolvedPrograms(
        {program.name: program for programs in (*local, *fetched) for program in programs},
        tuple(missing_message(group[0]) for group in absent if not group[0].package),
    )


def find_local(specs: Sequence[ProgramSpec], cache: Path) -> Mapping[str, Program]:
    """Return the programs that are on the PATH or in the cache, by name; fetch nothing."""
    search_path = default_search_path(os.environ)
    search = _Search(PackageCache(cache, search_path), search_path)
    groups = [search.find(group) for group in by_package(specs)]
    return {program.name: program for programs in groups for program in programs}


def by_package(specs: Sequence[ProgramSpec]) -> list[Group]:
    """Group programs by package, since they must have one source and one version."""
    groups: dict[str, list[ProgramSpec]] = {}
    for program in specs:
        key = program.package.name if program.package else f"only {program.name}"
        groups.setdefault(key, []).append(program)
    return list(groups.values())


def compatible_programs(group: Group, find: Find) -> list[Program]:
    """Return a group's programs if one source has all, in sufficient and equal versions."""
    programs = [program for spec in group if (program := find(spec))]
    enough = all(
        program.version >= spec.minimum for program, spec in zip(programs, group, strict=False)
    )
    alike = all(same_release_line(program.version, programs[0].version) for program in programs)
    return programs if len(programs) == len(group) and enough and alike else []


def missing_message(spec: ProgramSpec) -> str:
    """Return the message for a missing optional program, with its fallback."""
    return f"{spec} is not on the PATH: {spec.otherwise}."


def missing_error(needed: Sequence[ProgramSpec], reason: str) -> ProgramMissingError:
    """Return the error for missing programs, with the reason and what to do."""
    names = ", ".join(str(spec) for spec in needed)
    them = "it" if len(needed) == 1 else "them"
    return ProgramMissingError(
        f"{names} could not be found or fetched: {reason.rstrip('.')}; "
        f"install {them} on the PATH and try again."
    )


class _Search:
    """The PATH and the cache, with the versions read there."""

    def __init__(self, store: PackageCache, search_path: str) -> None:
        self._store = store
        self._search_path = search_path
        self.book = VersionCache(store.root / "versions.json")

    def find(self, group: Group) -> list[Program]:
        """Return the programs of a group from the PATH or the cache, or none."""
        return compatible_programs(group, self._on_path) or compatible_programs(
            group, self._in_cache
        )

    def fetch(self, groups: Sequence[Group], on_progress: ProgressCallback) -> list[list[Program]]:
        """Fetch the packages of these groups and return their programs."""
        if not groups:
            return []
        with self._store.locked(on_progress):
            # Another process may have fetched them while this one waited.
            absent = [group for group in groups if not compatible_programs(group, self._in_cache)]
            self._fetch_absent(absent, on_progress)
        return [self._fetched(group) for group in groups]

    def _fetch_absent(self, groups: Sequence[Group], on_progress: ProgressCallback) -> None:
        packages = [group[0].package for group in groups if group[0].package]
        for suite in dict.fromkeys(package.suite for package in packages):
            of_suite = [package for package in packages if package.suite is suite]
            needed = [group[0] for group in groups if group[0].package in of_suite]
            names = ", ".join(str(spec) for spec in needed)
            on_progress(f"fetching {names} from the distribution's {suite.value} …")
            try:
                self._store.fetch(of_suite)
            except FetchError as error:
                raise missing_error(needed, str(error)) from error

    def _fetched(self, group: Group) -> list[Program]:
        programs = compatible_programs(group, self._in_cache)
        if programs:
            return programs
        cached = [program for spec in group if (program := self._in_cache(spec))]
        versions = ", ".join(
            f"{program.name} {format_version(program.version)}" for program in cached
        )
        raise missing_error(group, f"the distribution has {versions or 'nothing that runs here'}")

    def _on_path(self, spec: ProgramSpec) -> Program | None:
        return self._first(spec, self._search_path, {}, "path")

    def _in_cache(self, spec: ProgramSpec) -> Program | None:
        if spec.built:
            return self._first(spec, str(self._store.built(spec.name)), {}, "cache")
        if not spec.package:
            return None
        folder = self._store.folder(spec.package)
        path = os.pathsep.join((f"{folder}/usr/bin", f"{folder}/usr/sbin"))
        program = self._first(spec, path, library_environment(folder, spec.package), "cache")
        if program and spec.package.files:
            return replace(program, files=folder / spec.package.files.lstrip("/"))
        return program

    def _first(
        self, spec: ProgramSpec, search_path: str, environment: Mapping[str, str], origin: Origin
    ) -> Program | None:
        """Return the newest program among the commands."""
        programs = []
        for command in spec.commands:
            if file := shutil.which(command, path=search_path):
                path = Path(file).absolute()
                version = self.book.version(path, spec.version_flag, environment)
                if version:
                    programs.append(Program(spec.name, path, version, environment, origin))
        return max(programs, key=lambda program: program.version, default=None)


def library_environment(folder: Path, package: Package) -> dict[str, str]:
    """Return the variables with which an unpacked package finds its libraries."""
    if not package.complete:
        return {}
    places = {library.parent for top in ("lib", "usr/lib") for library in _libraries(folder / top)}
    return {"LD_LIBRARY_PATH": os.pathsep.join(sorted(map(str, places)))} if places else {}


def _libraries(folder: Path) -> list[Path]:
    # Directly inside, or one architecture's folder below, as the distribution lays them out.
    return [*folder.glob("lib*.so*"), *folder.glob("*-linux-*/lib*.so*")]
