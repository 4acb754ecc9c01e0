"""Choose the distribution's own archive among the machine's package sources. Pure.

Our private sources are the machine's own entry with another suite, so that mirrors, keyrings and
options that the administrator chose stay in force, and no host is named here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_string

from alertdrill.errors import AlertdrillError
from alertdrill.toolchain.programs import Suite

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


@dataclass(frozen=True, slots=True)
class IndexTarget:
    """One package index, as apt lists it; `file` is where its source is configured."""

    uri: str
    release: str
    component: str
    file: str


@dataclass(frozen=True, slots=True)
class AptSource:
    """One source of a sources file: its addresses, suites and other fields."""

    uris: Sequence[str]
    suites: Sequence[str]
    options: Mapping[str, str]


def read_distribution(os_release: str) -> tuple[str, str]:
    """Return the name and codename from /etc/os-release; a derivative counts as its base."""
    pairs = (line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    values = {key.strip(): value.strip().strip("\"'") for key, value in pairs}
    for name in (values.get("ID", ""), *values.get("ID_LIKE", "").split()):
        if name in _DEVELOPMENT:
            codename = values.get(f"{name.upper()}_CODENAME") or values.get("VERSION_CODENAME", "")
            return name, codename
    raise FetchError("this machine is neither Debian nor Ubuntu")


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
        self, os_release: str, targets: Sequence[IndexTarget], files: Mapping[str, str]
    ) -> None:
        self.distribution, self._codename = read_distribution(os_release)
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
