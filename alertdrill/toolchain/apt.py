"""Fetch packages with apt: without root, and without changing the system.

Its private sources are the machine's own entry with another suite, so that mirrors, keyrings and
options that the administrator chose stay in force, and no host is named here.
"""

import platform
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

from alertdrill.toolchain.commands import CommandError, run
from alertdrill.toolchain.programs import Package, Suite

SOURCES = Path("/etc/apt")
_DEVELOPMENT = {"debian": "sid", "ubuntu": "devel"}
# Ubuntu keeps most of our packages in universe; Debian has everything in main.
_COMPONENTS = {"debian": "main", "ubuntu": "main universe"}
# A machine may follow a moving name instead of its release's.
_MOVING = ("stable", "oldstable", "testing", "unstable", "sid", "devel")
_LINE = re.compile(
    r"^[ \t]*deb[ \t]+(?:\[(?P<options>[^]]*)][ \t]*)?"
    r"(?P<uri>\S+)[ \t]+(?P<suite>\S+)(?P<rest>.*)$",
    re.MULTILINE,
)
_ONE_LINE_NAMES = {"arch": "Architectures", "lang": "Languages"}
# Everything is kept in the private folder; this is read after the system's configuration.
_CONFIGURATION = """\
# The system's hooks clean or index its own state; its default release is not in our sources.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{folder}/sources";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "{folder}/preferences";
Dir::State::Lists "{folder}/lists";
Dir::Cache "{folder}/cache";
Dir::Cache::Archives "{folder}/cache/archives";
// The locks belong to the system, which is not changed.
Debug::NoLocking "true";
// The download user of a root's apt may not enter the private folder.
APT::Sandbox::User "root";
// One lost connection must not end an installation.
Acquire::Retries "3";
Acquire::Languages "none";
Acquire::AllowInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
APT::Get::Assume-Yes "true";
APT::Install-Recommends "false";
// A failed index is an error, not a warning.
APT::Update::Error-Mode "any";
"""


class AptSource(NamedTuple):
    """One address and suite of a sources file, with the fields of its entry."""

    uri: str
    suite: str
    fields: Message


def fetch(packages: Sequence[Package], folder: Path) -> None:
    """Fetch packages of one suite and unpack each into `folder`/NAME; run none of their scripts.

    A package comes with its parts, and if it is `complete` with what it depends on. apt checks
    signatures as usual. Raises `CommandError`.
    """
    state = folder / "apt"
    for name in ("sources", "preferences", "lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True)
    (state / "sources" / "alertdrill.sources").write_text(private_sources(packages[0].suite))
    (state / "apt.conf").write_text(_CONFIGURATION.format(folder=state))
    _apt(state, "update")
    for package in packages:
        debs = state / "debs" / package.name
        (debs / "partial").mkdir(parents=True)
        names = [package.name]
        for part in package.parts:
            with suppress(CommandError):  # only a newer distribution has split it off
                _apt(state, "download", "--print-uris", part)
                names.append(part)
        if package.complete:
            here = ("-o", f"Dir::Cache::Archives={debs}")
            _apt(state, *here, "install", "--download-only", *names)
        else:
            _apt(state, "download", *names, cwd=debs)
        for deb in sorted(debs.glob("*.deb")):
            run("dpkg", "-x", str(deb), str(folder / package.name))


def _apt(state: Path, *arguments: str, cwd: Path | None = None) -> None:
    command = ("apt-get", "-q", "-c", str(state / "apt.conf"), *arguments)
    run(*command, cwd=cwd, LC_ALL="C.UTF-8", DEBIAN_FRONTEND="noninteractive")


def private_sources(suite: Suite) -> str:
    """Return the private sources file for a suite; raise `CommandError` as `own_archive` does."""
    distribution, own = own_archive()
    if suite is Suite.DEVELOPMENT:
        return _stanza(distribution, own, _DEVELOPMENT[distribution])
    # Updates may carry the newer half of a dependency whose older half is in the release.
    suites = [own.suite, f"{own.suite}-updates", f"{own.suite}-security"]
    sources = [source for name in suites if (source := _best(distribution, name))]
    return "\n".join(_stanza(distribution, source, source.suite) for source in sources)


def own_archive() -> tuple[str, AptSource]:
    """Return the distribution and its own source; a derivative counts as its base.

    Raises `CommandError` without either.
    """
    release: dict[str, str] = {}
    with suppress(OSError):
        release = platform.freedesktop_os_release()
    for name in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        if name in _DEVELOPMENT:
            codename = release.get(f"{name.upper()}_CODENAME") or release.get("VERSION_CODENAME")
            if best := _best(name, codename or "", *_MOVING):
                return name, best
            raise CommandError(f"apt's sources name no archive of {name.title()}")
    raise CommandError("this machine is neither Debian nor Ubuntu")


def _best(distribution: str, *suites: str) -> AptSource | None:
    """Return the distribution's own source of these suites.

    Others may publish a "bookworm main" too, with another key and path.
    """

    def rank(source: AptSource) -> tuple[int, bool, bool]:
        keys = source.fields.get("Signed-By", "")
        signed = (1 if f"{distribution}-archive" in keys else -1) if keys else 0
        path = re.sub(r"^[a-z+]+:(//[^/]*)?", "", source.uri).rstrip("/")
        usual = bool(re.fullmatch(rf"(.*/)?{distribution}(-security|-ports)?", path))
        return signed, usual, path.count("/") == 1

    files = [SOURCES / "sources.list", *sorted((SOURCES / "sources.list.d").glob("*"))]
    texts = [file.read_text(errors="replace") for file in files if file.is_file()]
    sources = [source for text in texts for source in read_apt_sources(text)]
    return max((source for source in sources if source.suite in suites), key=rank, default=None)


def read_apt_sources(text: str) -> Iterator[AptSource]:
    """Yield the sources of packages in a sources file, of either of its two formats."""
    text = re.sub(r"^[ \t]*#.*\n?", "", text, flags=re.MULTILINE)
    for stanza in re.split(r"\n\s*\n", _LINE.sub(_line_to_stanza, text)):
        fields = Parser().parsestr(stanza.strip())  # the format is that of mail headers, folded too
        values = {name: fields.get(name, "").split() for name in ("URIs", "Suites", "Components")}
        enabled = fields.get("Enabled", "yes").lower() not in ("no", "false", "off", "0")
        if enabled and "deb" in fields.get("Types", "").split() and "main" in values["Components"]:
            for uri in values["URIs"]:
                if not uri.startswith("cdrom:"):
                    yield from (AptSource(uri, suite, fields) for suite in values["Suites"])


def _line_to_stanza(line: re.Match[str]) -> str:
    pairs = [item.partition("=") for item in (line["options"] or "").split() if "=" in item]
    options = "".join(
        f"{_ONE_LINE_NAMES.get(name.lower(), name.title())}: {value.replace(',', ' ')}\n"
        for name, _, value in pairs
    )
    fields = f"URIs: {line['uri']}\nSuites: {line['suite']}\nComponents:{line['rest']}\n"
    return f"\n\nTypes: deb\n{fields}{options}\n"


def _stanza(distribution: str, source: AptSource, suite: str) -> str:
    fields = {
        "Types": "deb",
        "URIs": source.uri,
        "Suites": suite,
        "Components": _COMPONENTS[distribution],
        "Targets": "Packages",  # the index of packages only; others cost time and are not read
    }
    replaced = {"enabled", *map(str.lower, fields)}
    kept = {name: text for name, text in source.fields.items() if name.lower() not in replaced}
    return "".join(f"{name}: {_folded(value)}\n" for name, value in {**fields, **kept}.items())


def _folded(value: str) -> str:
    """Begin a value of several lines, such as a key, on its own line; Python may have joined it."""
    return "\n " + value.lstrip() if "\n" in value else value
