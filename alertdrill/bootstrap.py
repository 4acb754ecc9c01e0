"""Create the virtual environment with the pinned requirements; needs only Python.

    python3 -m alertdrill.bootstrap --venv .venv --projects . telemetry --requirements FILE...

It uses only the standard library, and syntax of older Pythons, to report that they are too old.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from alertdrill.errors import AlertdrillError
from alertdrill.file_lock import file_lock
from alertdrill.interrupts import INTERRUPTED, MESSAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# What is installed: the Python and the path of the environment, and each requirement file's hash.
# It is empty from before the first change until everything is installed.
STAMP = "alertdrill.json"
# How the projects are installed: in editable mode, with the script of this module.
_EDITABLE = "editable, with a safe script"
_OLDEST = (3, 11)  # the version of Debian 12; the services use its syntax
_IS_NEW_ENOUGH = f"import sys; sys.exit(sys.version_info < {_OLDEST})"
_TESTED = ("python3.13", "python3.12", "python3.11")
# Python takes a moment to start, in which Ctrl-C would print a traceback: the command blocks it
# until alertdrill/__main__.py is ready for it. -P imports no module of the current folder.
_BLOCK_INTERRUPTS = ("env", "--block-signal=INT")
_SCRIPT = """#!/bin/sh
exec {command} -P -m alertdrill "$@"
"""
_SYSTEM_WHEELS = Path("/usr/share/python-wheels")  # where Debian and Ubuntu keep pip's own wheel


def prepare(
    folder: Path,
    requirements: Sequence[Path],
    say: Callable[[str], None],
    projects: Sequence[Path] = (),
) -> None:
    """Update the environment in `folder` to the requirement files.

    It is built anew if its Python, its path or a file has changed; a file that was added is only
    installed. `projects`, folders with a pyproject.toml, are installed in editable mode. Raises
    `AlertdrillError`.
    """

    def install_projects() -> None:
        # Their requirements are already installed from the pins, also their build system.
        editable = [f"--editable={path.absolute()}" for path in projects]
        pinned = ("--no-deps", "--no-build-isolation", "--no-index", *editable)
        _run_pip(folder, pinned, f"the projects in {', '.join(map(str, projects))}", say)
        write_script(folder / "bin" / "alertdrill", folder / "bin" / "python")

    added = {f"project {project.absolute()}": _EDITABLE for project in projects}
    _prepare(folder, requirements, say, added, install_projects)


def prepare_application(
    folder: Path,
    requirements: Sequence[Path],
    own: Path,
    constraints: Sequence[str],
    say: Callable[[str], None],
) -> None:
    """Update the environment of an application, whose `own` requirement file comes last.

    Its versions take precedence over those of `requirements`, within `constraints` such as
    `flask>=3.1`. The environment is built anew if a file has changed. Raises `AlertdrillError`.
    """

    def install_own() -> None:
        say(f"installing {own} …")
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("".join(f"{line}\n" for line in constraints))
            file.flush()
            _run_pip(folder, ("-r", str(own), "--constraint", file.name), str(own), say)

    try:
        added = {"own": f"{_digest(own)} {' '.join(constraints)}"}
    except OSError as error:
        raise AlertdrillError(f"cannot read {own}: {error.strerror}") from error
    _prepare(folder, requirements, say, added, install_own)


def _prepare(
    folder: Path,
    requirements: Sequence[Path],
    say: Callable[[str], None],
    added: Mapping[str, str],
    install_added: Callable[[], None],
) -> None:
    """Install the requirement files, and then what `added` has in the stamp."""
    folder = folder.absolute()
    try:
        # A venv depends on its interpreter's minor version and, through its scripts, on its path.
        version = "{}.{}".format(*sys.version_info[:2])
        target = {"python": f"{version} {sys.base_prefix}", "path": str(folder)}
        for file in requirements:
            target[file.name] = _digest(file)
        complete = {**target, **added}
        if complete.items() <= (_installed(folder, complete) or {}).items():
            return
        waiting = "another run is creating the virtual environment, waiting for it …"
        lock = file_lock(folder.parent, timeout=math.inf, on_wait=lambda: say(waiting))
        folder.parent.mkdir(parents=True, exist_ok=True)
        with lock as handle:
            # pip inherits it: if this run is killed, the next one waits until its pip has ended.
            os.set_inheritable(handle, True)
            # Another run may have changed it in the meantime.
            before = _installed(folder, complete)
            if before is None:
                say(f"creating the virtual environment {folder.name} for Python {version} …")
                _create(folder)
            _install(folder, requirements, before or {}, target, say)
            if not added.items() <= (before or {}).items():
                install_added()
                _write_stamp(folder, {**(before or {}), **complete})
    except OSError as error:
        if error.filename in map(str, requirements):
            raise AlertdrillError(f"cannot read {error.filename}: {error.strerror}") from error
        raise AlertdrillError(f"cannot create the virtual environment {folder}: {error}") from error


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _installed(folder: Path, target: Mapping[str, str]) -> dict[str, str] | None:
    """Return the stamp, without which it is empty; None if the environment must be built anew."""
    python = folder / "bin" / "python"
    if not python.exists():
        return None
    try:
        stamp = json.loads((folder / STAMP).read_text())
        changed = any(stamp.get(name, value) != value for name, value in target.items())
        return None if changed or "path" not in stamp else dict(stamp)
    except FileNotFoundError:  # another tool created it: we install into it
        if _runs(str(python), _IS_NEW_ENOUGH):
            return {}
    except (OSError, ValueError, AttributeError):
        return None  # unreadable
    raise AlertdrillError(
        f"{folder} has no Python {'.'.join(map(str, _OLDEST))} or newer, and another tool created"
        " it: remove it, or set VENV to another folder"
    )


def _create(folder: Path) -> None:
    if folder.exists() and not (folder / "pyvenv.cfg").exists() and any(folder.iterdir()):
        raise AlertdrillError(
            f"{folder} exists and is not a virtual environment: move it, or use another path"
        )
    # Without pip: ensurepip needs a package that Debian does not install by default.
    venv.create(folder, clear=True, symlinks=True, with_pip=False)


def _install(
    folder: Path,
    requirements: Sequence[Path],
    before: Mapping[str, str],
    target: Mapping[str, str],
    say: Callable[[str], None],
) -> None:
    """Install the requirement files that are not in the stamp `before`."""
    added = [file for file in requirements if file.name not in before]
    if not added:
        return
    text = "\n".join(file.read_text() for file in added)
    count = len(re.findall(r"^[\w.-]+==", text, re.MULTILINE))
    say(f"installing {count} pinned packages …")
    _write_stamp(folder, {})
    try:
        files = [argument for file in added for argument in ("-r", str(file))]
        _run_pip(folder, ("--require-hashes", *files), "the requirements", say)
    except AlertdrillError:
        if before:  # pip failed without a change: the environment is as complete as before
            _write_stamp(folder, before)
        raise
    _write_stamp(folder, {**before, **target})


def write_script(script: Path, python: Path) -> None:
    """Replace the installed console script, if there is one, by one that Ctrl-C ends in one line.

    It works in any folder. It stays where `env` can't block signals, as outside of Linux.
    """
    if script.exists() and shutil.which("env") and _succeeds(*_BLOCK_INTERRUPTS, "true"):
        command = " ".join(map(shlex.quote, (*_BLOCK_INTERRUPTS, str(python.absolute()))))
        script.write_text(_SCRIPT.format(command=command))


def _write_stamp(folder: Path, stamp: Mapping[str, str]) -> None:
    fresh = folder / f"{STAMP}.new"
    fresh.write_text(json.dumps(stamp, indent=1))
    fresh.replace(folder / STAMP)


def _run_pip(folder: Path, arguments: Sequence[str], what: str, say: Callable[[str], None]) -> None:
    """Install into the environment in `folder`; pip inherits the lock."""
    options = ("install", "--no-input", "--disable-pip-version-check", *arguments)
    with tempfile.TemporaryDirectory(prefix="alertdrill-") as work:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            [str(folder / "bin" / "python"), *_pip(folder, Path(work), say), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            close_fds=False,
            check=False,
        )
    if done.returncode:
        conflict = re.search(r"The conflict is caused by:\n((?: +.*\n)+)", done.stdout)
        errors = re.findall(r"^ERROR:(.*)", done.stdout, re.MULTILINE) or ["pip gave no reason"]
        reason = conflict[1].strip().replace("\n", ",") if conflict else errors[-1]
        raise AlertdrillError(f"{what} could not be installed: {' '.join(reason.split())}")


def _pip(folder: Path, work: Path, say: Callable[[str], None]) -> Sequence[str]:
    """Return the arguments that run pip; from a wheel, if the environment has none."""
    if any(folder.glob("lib/python3*/site-packages/pip/__main__.py")):
        return "-m", "pip"
    # A wheel is a zip file, and Python runs code in zip files.
    return (str((_local_wheel() or _fetch_wheel(work, say)) / "pip"),)


def _local_wheel() -> Path | None:
    bundled = importlib.util.find_spec("ensurepip")
    folders = [Path(bundled.origin).parent / "_bundled"] if bundled and bundled.origin else []
    folders.append(_SYSTEM_WHEELS)
    return next((wheel for folder in folders for wheel in folder.glob("pip-*.whl")), None)


def _fetch_wheel(work: Path, say: Callable[[str], None]) -> Path:
    # Imported late: these need the Python that main() has checked for.
    from alertdrill.toolchain.apt import fetch  # noqa: PLC0415
    from alertdrill.toolchain.commands import CommandError  # noqa: PLC0415
    from alertdrill.toolchain.programs import PIP  # noqa: PLC0415

    say("fetching pip, which this Python lacks …")
    try:
        fetch([PIP], work)
    except CommandError as error:
        raise AlertdrillError(
            f"this Python has no pip and it could not be fetched: {error}; "
            "install the package python3-venv and try again"
        ) from error
    wheel = next((work / PIP.name).rglob("pip-*.whl"), None)
    if wheel is None:
        raise AlertdrillError("the package of pip has no wheel: install python3-venv")
    return wheel


def use_supported_python(version: tuple[int, ...]) -> None:
    """Restart with a newer Python from the PATH if this version is too old, or raise an error."""
    if version >= _OLDEST:
        return
    for path in filter(None, map(shutil.which, _TESTED)):
        if _runs(path):
            os.execv(path, [path, "-m", "alertdrill.bootstrap", *sys.argv[1:]])  # noqa: S606
    actual, minimum = (".".join(map(str, numbers[:2])) for numbers in (version, _OLDEST))
    raise AlertdrillError(
        f"Alertdrill needs Python {minimum} or newer, and {sys.executable} is {actual}: "
        f"install a newer Python and put it on the PATH"
    )


def _runs(python: str, code: str = "") -> bool:
    # The command may be a version manager's stub that only prints an error.
    return _succeeds(python, "-c", code)


def _succeeds(*command: str) -> bool:
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own arguments
    return done.returncode == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="alertdrill.bootstrap", description="Create the venv.")
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument(
        "--projects",
        type=Path,
        nargs="+",
        default=(),
        help="folders of projects to install in editable mode",
    )
    parser.add_argument("--requirements", type=Path, nargs="+", required=True)
    options = parser.parse_args(arguments)
    try:
        use_supported_python(sys.version_info[:2])
        prepare(options.venv, options.requirements, _say, options.projects)
    except AlertdrillError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say(MESSAGE)
        return INTERRUPTED
    return 0


def _say(sentence: str) -> None:
    print(f"alertdrill: {sentence}", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
