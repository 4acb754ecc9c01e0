"""Run apt with a private folder for its state: without root, and without changing the system."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from alertdrill.toolchain.apt_sources import (
    INDEXTARGETS_FORMAT,
    Distribution,
    IndexTarget,
    own_archive,
    read_distribution,
    read_targets,
    write_sources,
)
from alertdrill.toolchain.errors import FetchError
from alertdrill.toolchain.specs import Suite

_OS_RELEASE = Path("/etc/os-release")
_TIMEOUT = 600  # seconds; enough for 150 MB of packages at 2 Mbit/s
_NO_NETWORK = re.compile(
    r"Temporary failure resolving|Could not resolve|Network is unreachable|Could not connect"
    r"|Unable to connect|connection timed out",
    re.IGNORECASE,
)
# Summaries without a reason; the lines above them have it.
_NOT_A_REASON = ("Some index files failed", "Unable to fetch some archives")


class PrivateApt:
    """apt-get for one suite of the machine's distribution, in a private folder.

    The folder has sources, indexes and archives. apt checks signatures as usual.
    """

    def __init__(self, folder: Path, suite: Suite, search_path: str) -> None:
        self._folder = folder
        self._suite = suite
        self._apt_get = require_command("apt-get", search_path)
        self._options = ["-q"]

    def update(self) -> None:
        """Write the private sources and fetch their index."""
        sources = self._sources()
        folders = ("sources", "preferences", "lists/partial", "cache/archives/partial", "debs")
        for name in folders:
            (self._folder / name).mkdir(parents=True)
        (self._folder / "sources" / "alertdrill.sources").write_text(sources)
        configuration = self._folder / "apt.conf"
        configuration.write_text(write_configuration(self._folder, root=os.geteuid() == 0))
        self._options = ["-q", "-c", str(configuration)]
        self._run("update")

    def has(self, name: str) -> bool:
        """Return whether the suite has a package."""
        try:
            self._run("download", "--print-uris", name)
        except FetchError:
            return False
        return True

    def download(self, names: Sequence[str]) -> list[Path]:
        """Download these packages without their dependencies."""
        debs = self._folder / "debs"
        self._run("download", *names, cwd=debs)
        return sorted(debs.glob("*.deb"))

    def download_complete(self, name: str) -> list[Path]:
        """Download a package and its dependencies that are not installed."""
        self._run("install", "--download-only", name)
        return sorted((self._folder / "cache" / "archives").glob("*.deb"))

    def _sources(self) -> str:
        distribution, targets, files = _system_sources(self._apt_get)
        return write_sources(self._suite, distribution, targets, files)

    def _run(self, *arguments: str, cwd: Path | None = None) -> str:
        return run([self._apt_get, *self._options, *arguments], cwd)


def own_mirror(search_path: str) -> tuple[str, str]:
    """Return the machine's distribution and the address of its archive."""
    distribution, targets, files = _system_sources(require_command("apt-get", search_path))
    return distribution.name, own_archive(distribution, targets, files).uri


def _system_sources(apt_get: str) -> tuple[Distribution, list[IndexTarget], dict[str, str]]:
    # Without release information, this also works before the machine's first "apt-get update".
    listing = run([apt_get, "indextargets", "--no-release-info", "--format", INDEXTARGETS_FORMAT])
    targets = read_targets(listing)
    files = {target.file: _text(Path(target.file)) for target in targets}
    return read_distribution(_text(_OS_RELEASE)), targets, files


def unpack(deb: Path, folder: Path, search_path: str) -> None:
    """Unpack a package into `folder` without installing it or running its scripts."""
    run([require_command("dpkg", search_path), "-x", str(deb), str(folder)])


def require_command(name: str, search_path: str) -> str:
    """Return the path of a command that fetching needs."""
    path = shutil.which(name, path=search_path)
    if path is None:
        raise FetchError(f"{name} is not on this machine")
    return path


def run(command: Sequence[str], cwd: Path | None = None) -> str:
    """Run apt or dpkg and return its output; raise FetchError with the reason."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{name} did not end within {_TIMEOUT} seconds") from error
    except OSError as error:
        raise FetchError(f"{name} does not run: {error.strerror}") from error
    if done.returncode != 0:
        raise FetchError(failure_reason(name, done.stderr or done.stdout))
    return done.stdout


def failure_reason(name: str, output: str) -> str:
    """Return the last line of the output that has a reason."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:") or "error:" in line] or lines
    reasons = [line for line in errors if not any(text in line for text in _NOT_A_REASON)]
    if not reasons:
        return f"{name} failed without a message"
    reason = reasons[-1].removeprefix("E:").strip()
    return f"no network ({reason})" if _NO_NETWORK.search(reason) else f"{name}: {reason}"


def write_configuration(folder: Path, *, root: bool) -> str:
    """Return the apt configuration that keeps everything in `folder`, read after the system's."""
    settings = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": folder / "sources",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": folder / "preferences",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "Dir::Cache::Archives": folder / "cache" / "archives",
        "Debug::NoLocking": "true",  # the locks belong to the system, which is not changed
        "Acquire::Retries": "3",  # one lost connection must not end an installation
        "Acquire::Languages": "none",
        "Acquire::AllowInsecureRepositories": "false",
        "APT::Get::AllowUnauthenticated": "false",
        "APT::Get::Assume-Yes": "true",
        "APT::Install-Recommends": "false",
        "APT::Update::Error-Mode": "any",  # a failed index is an error, not a warning
    }
    if root:
        # apt's download user may not enter the private folder.
        settings["APT::Sandbox::User"] = "root"
    # The system's hooks clean or index its own state; its default release is not in our sources.
    cleared = [
        "APT::Update::Pre-Invoke",
        "APT::Update::Post-Invoke",
        "APT::Update::Post-Invoke-Success",
        "APT::Default-Release",
    ]
    clear = "".join(f"#clear {name};\n" for name in cleared)
    return clear + "".join(f'{name} "{value}";\n' for name, value in settings.items())


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""  # a source without its file still has its address; no os-release is not Debian
