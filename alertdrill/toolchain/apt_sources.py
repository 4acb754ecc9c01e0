"""Choose the distribution's own archive among the machine's package sources. Pure.

Our private sources are the machine's own entry with another suite, so that mirrors, keyrings and
options that the administrator chose stay in force, and no host is named here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from alertdrill.toolchain.errors import FetchError
from alertdrill.toolchain.specs import Suite

INDEXTARGETS_FORMAT = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(CREATED_BY)|$(SOURCESENTRY)"

_DEVELOPMENT = {"debian": "sid", "ubuntu": "devel"}
# Ubuntu keeps most of our packages in universe; Debian has everything in main.
_COMPONENTS = {"debian": "main", "ubuntu": "main universe"}
# A machine may follow a moving name instead of its release's.
_MOVING = ("stable", "oldstable", "testing", "unstable", "sid", "devel")
_REPLACED = {"types", "uris", "suites", "components", "targets", "enabled"}
_ONE_LINE_NAMES = {"arch": "Architectures", "lang": "Languages"}


@dataclass(frozen=True, slots=True)
class Distribution:
    """Which of the two distributions this machine is, or is made from."""

    name: str
    codename: str


@dataclass(frozen=True, slots=True)
class IndexTarget:
    """One index of one source, as apt lists it; `file` is where the source is configured."""

    uri: str
    release: str
    component: str
    file: str


@dataclass(frozen=True, slots=True)
class AptSource:
    """One source of a sources file: where it is and the options that stand with it."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)


def read_distribution(os_release: str) -> Distribution:
    """Read the text of /etc/os-release; derivatives count as what they are made from."""
    pairs = (line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    values = {key.strip(): value.strip().strip("\"'") for key, value in pairs}
    for name in (values.get("ID", ""), *values.get("ID_LIKE", "").split()):
        if name in _DEVELOPMENT:
            codename = values.get(f"{name.upper()}_CODENAME") or values.get("VERSION_CODENAME", "")
            return Distribution(name, codename)
    raise FetchError("this machine is neither Debian nor Ubuntu")


def read_targets(listing: str) -> list[IndexTarget]:
    """Read the package indexes from what `apt-get indextargets` printed."""
    rows = (line.split("|") for line in listing.splitlines())
    return [
        IndexTarget(uri, release, component, entry.rpartition(":")[0])
        for uri, release, component, kind, entry in (row for row in rows if len(row) == 5)
        if kind == "Packages"
    ]


def read_apt_sources(text: str) -> list[AptSource]:
    """Read the sources of a sources file, of either of its two formats."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    one_line = [entry for line in lines if (entry := _one_line_entry(line))]
    return one_line or _stanza_entries("\n".join(lines))


def _one_line_entry(line: str) -> AptSource | None:
    match = re.match(r"\s*deb\s+(?:\[(?P<options>[^]]*)]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)", line)
    if not match:
        return None
    pairs = (option.split("=", 1) for option in (match["options"] or "").split() if "=" in option)
    options = {
        _ONE_LINE_NAMES.get(name.lower(), name.title()): value.replace(",", " ")
        for name, value in pairs
    }
    return AptSource((match["uri"],), (match["suite"],), options)


def _stanza_entries(text: str) -> list[AptSource]:
    entries = []
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        # A line that starts with a space belongs to the field above it.
        for whole in re.split(r"\n(?=\S)", stanza.strip("\n")):
            name, colon, value = whole.partition(":")
            if colon:
                fields[name.strip()] = value.strip(" \t")
        by_name = {name.lower(): value for name, value in fields.items()}
        if "uris" in by_name and "suites" in by_name:
            kept = {name: text for name, text in fields.items() if name.lower() not in _REPLACED}
            uris, suites = by_name["uris"].split(), by_name["suites"].split()
            entries.append(AptSource(tuple(uris), tuple(suites), kept))
    return entries


def write_sources(
    suite: Suite,
    distribution: Distribution,
    targets: Sequence[IndexTarget],
    files: Mapping[str, str],
) -> str:
    """Return the private sources file for `suite`; `files` holds the text of each target's file.

    Raises FetchError when none of the machine's sources is the distribution's own archive.
    """
    base = own_archive(distribution, targets, files)
    components = _COMPONENTS[distribution.name]
    if suite is Suite.DEVELOPMENT:
        return _stanza(base, _DEVELOPMENT[distribution.name], components, files)
    # Updates may carry the newer half of a dependency that the release carries the older half of.
    releases = [base.release, f"{base.release}-updates", f"{base.release}-security"]
    chosen = [_best(distribution, targets, files, [release]) for release in releases]
    stanzas = (_stanza(target, target.release, components, files) for target in chosen if target)
    return "\n".join(stanzas)


def own_archive(
    distribution: Distribution, targets: Sequence[IndexTarget], files: Mapping[str, str]
) -> IndexTarget:
    """Return the machine's source of the distribution itself; raise FetchError without one."""
    best = _best(distribution, targets, files, [distribution.codename, *_MOVING])
    if best is None:
        raise FetchError(f"apt's sources name no archive of {distribution.name.title()}")
    return best


def _best(
    distribution: Distribution,
    targets: Iterable[IndexTarget],
    files: Mapping[str, str],
    releases: Sequence[str],
) -> IndexTarget | None:
    fitting = [
        target
        for target in targets
        if target.component == "main"
        and target.release in releases
        and not target.uri.startswith("cdrom:")
    ]
    return max(fitting, key=lambda target: _likeness(distribution, target, files), default=None)


def _likeness(
    distribution: Distribution, target: IndexTarget, files: Mapping[str, str]
) -> tuple[int, bool, bool]:
    """Rank a source: others publish a "bookworm main" too, but neither so signed nor so placed."""
    options = _entry_of(target, files).options
    keys = next((value for name, value in options.items() if name.lower() == "signed-by"), "")
    signed = (1 if f"{distribution.name}-archive" in keys else -1) if keys else 0
    path = re.sub(r"^[a-z+]+:(//[^/]*)?", "", target.uri).rstrip("/")
    placed = re.fullmatch(rf"(.*/)?{distribution.name}(-security|-ports)?", path)
    return signed, placed is not None, placed is not None and path.count("/") == 1


def _entry_of(target: IndexTarget, files: Mapping[str, str]) -> AptSource:
    for entry in read_apt_sources(files.get(target.file, "")):
        uris = [uri.rstrip("/") for uri in entry.uris]
        if target.uri.rstrip("/") in uris and target.release in entry.suites:
            return entry
    return AptSource((target.uri,), (target.release,))


def _stanza(target: IndexTarget, release: str, components: str, files: Mapping[str, str]) -> str:
    fields = {
        "Types": "deb",
        "URIs": target.uri,
        "Suites": release,
        "Components": components,
        "Targets": "Packages",  # the index of packages only; others cost time and are not read
        **_entry_of(target, files).options,
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items())
