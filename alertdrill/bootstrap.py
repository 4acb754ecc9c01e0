"""Create the virtual environment with the pinned requirements; needs only Python.

    python3 -m alertdrill.bootstrap --venv .venv --project . --requirements requirements/*.txt

It uses only the standard library, and syntax of older Pythons, to report that they are too old. A
stamp in the environment records what is installed; if it matches, nothing is done.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from alertdrill.errors import AlertdrillError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_STAMP = "alertdrill.json"
_OLDEST = (3, 11)  # the version of Debian 12; the services use its syntax
_IS_NEW_ENOUGH = f"import sys; sys.exit(sys.version_info < {_OLDEST})"
_TESTED = ("python3.13", "python3.12", "python3.11")
_SYSTEM_WHEELS = Path("/usr/share/python-wheels")  # where Debian and Ubuntu keep pip's own wheel


class BootstrapError(AlertdrillError):
    """The virtual environment cannot be created."""


class Step(Enum):
    """The next step of an installation."""

    NOTHING = "nothing"
    ADD = "add"
    BUILD = "build"


@dataclass(frozen=True)
class Stamp:
    """The contents of an environment: its Python, its path, and each requirement file's hash.

    `complete` is false from before the first change until everything is installed.
    """

    python: str
    path: str
    requirements: Mapping[str, str]
    complete: bool = True


def next_step(stamp: Stamp | None, target: Stamp, *, works: bool) -> Step:
    """Return the next step for an environment; `works` tells whether its Python runs.

    An environment that works without a stamp was created by another tool: we install into it.
    """
    if not works:
        return Step.BUILD
    if stamp is None:
        return Step.ADD
    moved = (stamp.python, stamp.path) != (target.python, target.path)
    installed = stamp.requirements
    changed = any(
        installed.get(name, digest) != digest for name, digest in target.requirements.items()
    )
    if moved or changed or not stamp.complete:
        return Step.BUILD
    return Step.NOTHING if target.requirements.keys() <= installed.keys() else Step.ADD


def read_stamp(folder: Path) -> Stamp | None:
    """Return the stamp of the environment in `folder`; None if it has none."""
    try:
        return Stamp(**json.loads((folder / _STAMP).read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return Stamp("", "", {}, complete=False)  # unreadable: rebuild the environment


def write_stamp(folder: Path, stamp: Stamp) -> None:
    """Write the stamp atomically."""
    fresh = folder / f"{_STAMP}.new"
    fresh.write_text(json.dumps(vars(stamp), indent=1))
    fresh.replace(folder / _STAMP)


def prepare(
    folder: Path,
    requirements: Sequence[Path],
    say: Callable[[str], None],
    project: Path | None = None,
) -> None:
    """Update the environment in `folder` to the requirement files.

    The commands of `project`, a folder with a pyproject.toml, are installed in editable mode. The
    stamp is complete only once everything is installed. Raises `BootstrapError`.
    """
    folder = folder.absolute()
    if _step(folder, requirements) is Step.NOTHING and _has_command(folder, project):
        return
    try:
        with _locked(folder.parent, say):
            step = _step(folder, requirements)  # another run may have done it in the meantime
            if step is not Step.NOTHING:
                _update(folder, requirements, step, say)
            if project and not _has_command(folder, project):
                # Its requirements are already installed from the pins, also its build system.
                pinned = ("--no-deps", "--no-build-isolation", "--no-index")
                arguments = (*pinned, "--editable", str(project.absolute()))
                _run_pip(folder, arguments, "the command alertdrill", say)
    except OSError as error:
        raise BootstrapError(f"cannot create the virtual environment {folder}: {error}") from error


def _update(
    folder: Path, requirements: Sequence[Path], step: Step, say: Callable[[str], None]
) -> None:
    before = read_stamp(folder) if step is Step.ADD else None
    installed = dict(before.requirements) if before else {}
    target = _target(folder, requirements)
    added = [file for file in requirements if file.name not in installed]
    if step is Step.BUILD:
        say(f"creating the virtual environment {folder.name} for Python {_version()} …")
        _create(folder)
    write_stamp(folder, Stamp(target.python, target.path, installed, complete=False))
    try:
        text = "\n".join(file.read_text() for file in added)
        count = len(re.findall(r"^[\w.-]+==", text, re.MULTILINE))
        say(f"installing {count} pinned packages …")
        files = [argument for file in added for argument in ("-r", str(file))]
        _run_pip(folder, ("--require-hashes", *files), "the requirements", say)
    except BootstrapError:
        if before:  # pip failed without a change: the environment is as complete as before
            write_stamp(folder, before)
        raise
    both = {**installed, **target.requirements}
    write_stamp(folder, Stamp(target.python, target.path, both))


def _has_command(folder: Path, project: Path | None) -> bool:
    return project is None or (folder / "bin" / "alertdrill").exists()


def _step(folder: Path, requirements: Sequence[Path]) -> Step:
    python = folder / "bin" / "python"
    works, stamp = python.exists(), read_stamp(folder)
    if works and stamp is None and not _runs(str(python), _IS_NEW_ENOUGH):
        minimum = ".".join(map(str, _OLDEST))
        raise BootstrapError(
            f"{folder} has no Python {minimum} or newer, and another tool created it: remove it, "
            "or set VENV to another folder"
        )
    return next_step(stamp, _target(folder, requirements), works=works)


def _target(folder: Path, requirements: Sequence[Path]) -> Stamp:
    try:
        digests = {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in requirements
        }
    except OSError as error:
        raise BootstrapError(f"cannot read {error.filename}: {error.strerror}") from error
    # A venv depends on its interpreter's minor version and, through its scripts, on its path.
    python = f"{_version()} {sys.base_prefix}"
    return Stamp(python, str(folder), digests)


def _version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


@contextmanager
def _locked(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Lock the folder that holds the environment, so that two runs don't install into it.

    pip inherits the lock: if this run is killed, the next one waits until its pip has ended.
    """
    handle = os.open(folder, os.O_RDONLY)
    os.set_inheritable(handle, True)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is creating the virtual environment, waiting for it …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _create(folder: Path) -> None:
    if folder.exists() and not (folder / "pyvenv.cfg").exists() and any(folder.iterdir()):
        raise BootstrapError(
            f"{folder} exists and is not a virtual environment: move it, or use another path"
        )
    # Without pip: ensurepip needs a package that Debian does not install by default.
    venv.create(folder, clear=True, symlinks=True, with_pip=False)


def _pip(folder: Path, work: Path, say: Callable[[str], None]) -> tuple[str, ...]:
    """Return the command that runs pip for the environment, from a wheel if it has none."""
    python = str(folder / "bin" / "python")
    if any(folder.glob("lib/python3*/site-packages/pip/__main__.py")):
        return python, "-m", "pip"
    wheel = _newest_wheel(_bundled_wheels(), _SYSTEM_WHEELS) or _fetch_wheel(work, say)
    return python, str(wheel / "pip")  # a wheel is a zip file, and Python runs code in zip files


def _bundled_wheels() -> Path:
    bundled = importlib.util.find_spec("ensurepip")
    return (
        Path(bundled.origin).parent / "_bundled" if bundled and bundled.origin else _SYSTEM_WHEELS
    )


def _newest_wheel(*folders: Path) -> Path | None:
    return next((wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))), None)


def _fetch_wheel(work: Path, say: Callable[[str], None]) -> Path:
    # Imported late: these need the Python that main() has checked for.
    from alertdrill.toolchain.apt import FetchError  # noqa: PLC0415
    from alertdrill.toolchain.cache import PackageCache  # noqa: PLC0415
    from alertdrill.toolchain.programs import PIP  # noqa: PLC0415

    store = PackageCache(work)
    say("fetching pip, which this Python lacks …")
    try:
        with store.locked(say):
            store.fetch([PIP])
    except FetchError as error:
        raise BootstrapError(
            f"this Python has no pip and it could not be fetched: {error}; "
            "install the package python3-venv and try again"
        ) from error
    wheel = _newest_wheel(store.folder(PIP) / str(_SYSTEM_WHEELS).lstrip("/"))
    if wheel is None:
        raise BootstrapError("the package of pip has no wheel: install python3-venv")
    return wheel


def _run_pip(folder: Path, arguments: Sequence[str], what: str, say: Callable[[str], None]) -> None:
    """Install into the environment in `folder`; pip inherits the lock."""
    error = "pip failed without a reason"
    with (
        tempfile.TemporaryDirectory(prefix="alertdrill-") as work,
        subprocess.Popen(  # noqa: S603 - our own arguments, no shell
            [
                *_pip(folder, Path(work), say),
                *("install", "--no-input", "--disable-pip-version-check", *arguments),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            close_fds=False,
        ) as process,
    ):
        for line in process.stdout or ():
            if line.startswith("ERROR:"):
                error = line.removeprefix("ERROR:").strip()
    if process.returncode:
        raise BootstrapError(f"{what} could not be installed: {error}")


def check_python(version: tuple[int, ...]) -> None:
    """Raise BootstrapError if this version of Python is too old."""
    if version < _OLDEST:
        actual, minimum = (".".join(map(str, numbers[:2])) for numbers in (version, _OLDEST))
        raise BootstrapError(
            f"Alertdrill needs Python {minimum} or newer, and {sys.executable} is {actual}: "
            f"install a newer Python and put it on the PATH"
        )


def _use_newer_python(version: tuple[int, ...]) -> None:
    """Restart with a newer Python from the PATH if this one is too old."""
    if version >= _OLDEST:
        return
    newer = next((path for name in _TESTED if (path := shutil.which(name)) and _runs(path)), None)
    if newer:
        os.execv(newer, [newer, "-m", "alertdrill.bootstrap", *sys.argv[1:]])  # noqa: S606


def _runs(python: str, code: str = "") -> bool:
    # The command may be a version manager's stub that only prints an error.
    done = subprocess.run([python, "-c", code], capture_output=True, check=False)  # noqa: S603
    return done.returncode == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="alertdrill.bootstrap", description="Create the venv.")
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument(
        "--project", type=Path, help="folder of a project to install in editable mode"
    )
    parser.add_argument("--requirements", type=Path, nargs="+", required=True)
    options = parser.parse_args(arguments)
    try:
        _use_newer_python(sys.version_info[:2])
        check_python(sys.version_info[:2])
        prepare(options.venv, options.requirements, _say, options.project)
    except AlertdrillError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130  # the shell's code for an interrupt
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(f"alertdrill: {sentence}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
