"""Run apt with a private folder for its state: without root, and without changing the system.

Its private sources are the machine's own entry with another suite, so that mirrors, keyrings and
options that the administrator chose stay in force, and no host is named here.
"""

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from email import message_from_string
from pathlib import Path
from typing import NamedTuple

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.programs import Package, Suite, find_command

_TIMEOUT_S = 600  # enough for 150 MB of packages at 2 Mbit/s
_NO_NETWORK = re.compile(
    r"Temporary failure resolving|Could not resolve|Network is unreachable|Could not connect"
    r"|Unable to connect|connection timed out",
    re.IGNORECASE,
)
# Summaries without a reason; the lines above them have it.
_NOT_A_REASON = ("Some index files failed", "Unable to fetch some archives")
INDEXTARGETS_FORMAT = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(CREATED_BY)|$(SOURCESENTRY)"

_DEVELOPMENT = {"debian": "sid", "ubuntu": "devel"}
# Ubuntu keeps most of our packages in universe; Debian has everything in main.
_COMPONENTS = {"debian": "main", "ubuntu": "main universe"}
# A machine may follow a moving name instead of its release's.
_MOVING = ("stable", "oldstable", "testing", "unstable", "sid", "devel")
_REPLACED = {"types", "uris", "suites", "components", "targets", "enabled"}
_ONE_LINE_NAMES = {"arch": "Architectures", "lang": "Languages"}


class FetchError(AlertdrillError):
    """A package could not be fetched; the text is the reason, for use inside a sentence."""


class IndexTarget(NamedTuple):
    """One package index, as apt lists it; `file` is where its source is configured."""

    uri: str
    release: str
    component: str
    file: str


class AptSource(NamedTuple):
    """One source of a sources file: its addresses, suites and other fields."""

    uris: Sequence[str]
    suites: Sequence[str]
    options: Mapping[str, str]


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


def system_sources() -> "SystemSources":
    """Read the machine's distribution and package sources."""
    # Without release information, this also works before the machine's first "apt-get update".
    options = ("--no-release-info", "--format", INDEXTARGETS_FORMAT)
    targets = read_targets(run([require_command("apt-get"), "indextargets", *options]))
    files = {target.file: _text(Path(target.file)) for target in targets}
    return SystemSources(*read_distribution(), targets, files)


def read_distribution() -> tuple[str, str]:
    """Return the name and codename of the distribution; a derivative counts as its base."""
    try:
        values = platform.freedesktop_os_release()
    except OSError:
        values = {}
    for name in (values.get("ID", ""), *values.get("ID_LIKE", "").split()):
        if name in _DEVELOPMENT:
            codename = values.get(f"{name.upper()}_CODENAME") or values.get("VERSION_CODENAME", "")
            return name, codename
    raise FetchError("this machine is neither Debian nor Ubuntu")


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
        return ""  # a source without its file still has its address


def read_targets(listing: str) -> list[IndexTarget]:
    """Read the package indexes from the output of `apt-get indextargets`."""
    rows = (line.split("|") for line in listing.splitlines())
    return [
        IndexTarget(uri, release, component, entry.rpartition(":")[0])
        for uri, release, component, kind, entry in (row for row in rows if len(row) == 5)
        if kind == "Packages"
    ]


def read_apt_sources(text: str) -> list[AptSource]:
    """Read the sources of a sources file, of either of its two formats."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    one_line = [source for line in lines if (source := _read_line(line))]
    stanzas = re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))
    return one_line or [source for stanza in stanzas if (source := _read_stanza(stanza))]


def _read_line(line: str) -> AptSource | None:
    match = re.match(r"\s*deb\s+(?:\[(?P<options>[^]]*)]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)", line)
    if not match:
        return None
    pairs = (option.split("=", 1) for option in (match["options"] or "").split() if "=" in option)
    options = {
        _ONE_LINE_NAMES.get(name.lower(), name.title()): value.replace(",", " ")
        for name, value in pairs
    }
    return AptSource([match["uri"]], [match["suite"]], options)


def _read_stanza(stanza: str) -> AptSource | None:
    fields = message_from_string(stanza)  # the format is that of mail headers, folding included
    options = {name: text for name, text in fields.items() if name.lower() not in _REPLACED}
    uris, suites = fields.get("URIs", "").split(), fields.get("Suites", "").split()
    return AptSource(uris, suites, options) if uris and suites else None


class SystemSources:
    """The machine's distribution and the package indexes that its apt reads.

    `files` holds the text of each target's file.
    """

    def __init__(
        self,
        distribution: str,
        codename: str,
        targets: Sequence[IndexTarget],
        files: Mapping[str, str],
    ) -> None:
        self.distribution = distribution
        self._codename = codename
        self._targets = targets
        self._files = files

    def own_archive(self) -> IndexTarget:
        """Return the source of the distribution itself; raise FetchError without one."""
        best = self._best(self._codename, *_MOVING)
        if best is None:
            raise FetchError(f"apt's sources name no archive of {self.distribution.title()}")
        return best

    def write(self, suite: Suite) -> str:
        """Return the private sources file for a suite; raise FetchError as `own_archive` does."""
        base = self.own_archive()
        if suite is Suite.DEVELOPMENT:
            return self._stanza(base, _DEVELOPMENT[self.distribution])
        # Updates may carry the newer half of a dependency whose older half is in the release.
        releases = (base.release, f"{base.release}-updates", f"{base.release}-security")
        targets = [target for release in releases if (target := self._best(release))]
        return "\n".join(self._stanza(target, target.release) for target in targets)

    def _best(self, *releases: str) -> IndexTarget | None:
        fitting = [
            target
            for target in self._targets
            if target.component == "main"
            and target.release in releases
            and not target.uri.startswith("cdrom:")
        ]
        return max(fitting, key=self._rank, default=None)

    def _rank(self, target: IndexTarget) -> tuple[int, bool, bool]:
        """Rank a source: others may publish a "bookworm main" with another key and path."""
        options = self._options(target)
        keys = next((value for name, value in options.items() if name.lower() == "signed-by"), "")
        signed = (1 if f"{self.distribution}-archive" in keys else -1) if keys else 0
        path = re.sub(r"^[a-z+]+:(//[^/]*)?", "", target.uri).rstrip("/")
        usual = bool(re.fullmatch(rf"(.*/)?{self.distribution}(-security|-ports)?", path))
        return signed, usual, usual and path.count("/") == 1

    def _options(self, target: IndexTarget) -> Mapping[str, str]:
        for source in read_apt_sources(self._files.get(target.file, "")):
            uris = [uri.rstrip("/") for uri in source.uris]
            if target.uri.rstrip("/") in uris and target.release in source.suites:
                return source.options
        return {}

    def _stanza(self, target: IndexTarget, release: str) -> str:
        fields = {
            "Types": "deb",
            "URIs": target.uri,
            "Suites": release,
            "Components": _COMPONENTS[self.distribution],
            "Targets": "Packages",  # the index of packages only; others cost time and are not read
            **self._options(target),
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items())
