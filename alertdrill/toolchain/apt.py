"""Run apt with a private folder for its state: without root, and without changing the system."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from alertdrill.toolchain.apt_sources import (
    INDEXTARGETS_FORMAT,
    FetchError,
    SystemSources,
    read_targets,
)
from alertdrill.toolchain.programs import Package, Suite, find_command

_OS_RELEASE = Path("/etc/os-release")
_TIMEOUT_S = 600  # enough for 150 MB of packages at 2 Mbit/s
_NO_NETWORK = re.compile(
    r"Temporary failure resolving|Could not resolve|Network is unreachable|Could not connect"
    r"|Unable to connect|connection timed out",
    re.IGNORECASE,
)
# Summaries without a reason; the lines above them have it.
_NOT_A_REASON = ("Some index files failed", "Unable to fetch some archives")


class PrivateApt:
    """apt-get for one suite of the machine's distribution, with its state in `folder`.

    apt checks signatures as usual.
    """

    def __init__(self, folder: Path, suite: Suite) -> None:
        self._folder = folder
        self._suite = suite

    def update(self) -> None:
        """Write the private sources and fetch their index."""
        sources = system_sources().write(self._suite)
        for name in ("sources", "preferences", "lists/partial", "cache/archives/partial", "debs"):
            (self._folder / name).mkdir(parents=True)
        (self._folder / "sources" / "alertdrill.sources").write_text(sources)
        configuration = write_configuration(self._folder, root=os.geteuid() == 0)
        (self._folder / "apt.conf").write_text(configuration)
        self._run("update")

    def download(self, package: Package) -> list[Path]:
        """Download a package with its parts, and if it is `complete` with what it depends on."""
        if package.complete:
            self._run("install", "--download-only", package.name)
            return sorted((self._folder / "cache" / "archives").glob("*.deb"))
        debs = self._folder / "debs" / package.name
        debs.mkdir()
        parts = [part for part in package.parts if self._has(part)]
        self._run("download", package.name, *parts, cwd=debs)
        return sorted(debs.glob("*.deb"))

    def _has(self, name: str) -> bool:
        try:
            self._run("download", "--print-uris", name)
        except FetchError:
            return False
        return True

    def _run(self, *arguments: str, cwd: Path | None = None) -> None:
        configuration = str(self._folder / "apt.conf")
        run([require_command("apt-get"), "-q", "-c", configuration, *arguments], cwd)


def system_sources() -> SystemSources:
    """Read the machine's distribution and package sources."""
    # Without release information, this also works before the machine's first "apt-get update".
    options = ("--no-release-info", "--format", INDEXTARGETS_FORMAT)
    targets = read_targets(run([require_command("apt-get"), "indextargets", *options]))
    files = {target.file: _text(Path(target.file)) for target in targets}
    return SystemSources(_text(_OS_RELEASE), targets, files)


def unpack(deb: Path, folder: Path) -> None:
    """Unpack a package into `folder` without installing it or running its scripts."""
    run([require_command("dpkg"), "-x", str(deb), str(folder)])


def require_command(name: str) -> str:
    """Return the path of a command that fetching needs."""
    path = find_command(name)
    if path is None:
        raise FetchError(f"{name} is not on this machine")
    return path


def run(command: Sequence[str], cwd: Path | None = None) -> str:
    """Run apt or dpkg and return its output; raise FetchError with the reason."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            command,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{name} did not end within {_TIMEOUT_S} seconds") from error
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
    hooks = ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success")
    cleared = [*(f"APT::Update::{hook}" for hook in hooks), "APT::Default-Release"]
    clear = "".join(f"#clear {name};\n" for name in cleared)
    return clear + "".join(f'{name} "{value}";\n' for name, value in settings.items())


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""  # a source without its file still has its address; no os-release is not Debian
