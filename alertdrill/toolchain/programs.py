"""The programs of the stack: commands, minimum versions and packages."""

from dataclasses import dataclass
from enum import Enum

Version = tuple[int, ...]


def format_version(version: Version) -> str:
    """Format a version: (3, 5) is "3.5"."""
    return ".".join(map(str, version))


class Suite(Enum):
    """The suite of the distribution's archive that has a package."""

    DEVELOPMENT = "development suite"
    SYSTEM = "own release"


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution package.

    `parts` are packages that a newer distribution may have split off it: they are fetched too
    where they exist. `complete` fetches its missing dependencies. `files` is a folder that its
    programs read from at a fixed path; unpacked, they read `DATA_FOLDER` in their working
    directory instead.
    """

    name: str
    suite: Suite
    parts: tuple[str, ...] = ()
    complete: bool = False
    files: str = ""


@dataclass(frozen=True, slots=True)
class ProgramSpec:
    """A program, the commands it may be installed as, and the oldest version that works.

    Without a `package` it is optional and never fetched: the stack uses it if it is on the PATH,
    and `otherwise` says what happens without it.
    """

    name: str
    why: str
    minimum: Version = ()
    commands: tuple[str, ...] = ()  # the name, if there are none
    package: Package | None = None
    version_flag: str = "--version"
    otherwise: str = ""

    def __str__(self) -> str:
        """Return the name with the minimum version, for messages."""
        return f"{self.name} {format_version(self.minimum)} or newer" if self.minimum else self.name


# Debian 12 and Ubuntu's long-term releases carry Prometheus 2, hence the development suite. Its
# packages of the Prometheus family are Go programs that need nothing but libc6 2.34 or newer.
_PROMETHEUS = Package("prometheus", Suite.DEVELOPMENT, parts=("promtool",))
_ALERTMANAGER = Package(
    "prometheus-alertmanager", Suite.DEVELOPMENT, files="/usr/share/prometheus/alertmanager"
)
# pip for a Python that came without it; not a program of the stack.
PIP = Package("python3-pip-whl", Suite.SYSTEM)

PROGRAMS: tuple[ProgramSpec, ...] = (
    ProgramSpec(
        name="prometheus",
        minimum=(3, 5),  # the first long-term release of Prometheus 3
        package=_PROMETHEUS,
        why="scrapes every instance and evaluates the rules",
    ),
    ProgramSpec(
        name="promtool",
        minimum=(3, 5),  # it must read rules as the server does, so it follows prometheus
        package=_PROMETHEUS,
        why="checks and tests the rules",
    ),
    ProgramSpec(
        name="alertmanager",
        commands=("alertmanager", "prometheus-alertmanager"),
        minimum=(0, 27),  # UTF-8 matchers as the default parser, and only API v2
        package=_ALERTMANAGER,
        why="groups, inhibits and routes alerts",
    ),
    ProgramSpec(
        name="amtool",
        minimum=(0, 27),  # it must parse the configuration as alertmanager does
        package=_ALERTMANAGER,
        why="checks the alert routes",
    ),
    ProgramSpec(
        name="node_exporter",
        commands=("node_exporter", "prometheus-node-exporter"),
        minimum=(1, 5),  # what Debian 12 has, the oldest system we support
        package=Package("prometheus-node-exporter", Suite.DEVELOPMENT),
        why="measures the machine",
    ),
    ProgramSpec(
        name="blackbox_exporter",
        commands=("blackbox_exporter", "prometheus-blackbox-exporter"),
        minimum=(0, 23),  # what Debian 12 has, the oldest system we support
        package=Package("prometheus-blackbox-exporter", Suite.DEVELOPMENT),
        why="probes the services from outside",
    ),
    ProgramSpec(
        name="haproxy",
        minimum=(2, 6),  # what Debian 12 has, the oldest system we support
        # HAProxy is C and links to the release's own libraries, so it comes from the same release.
        package=Package("haproxy", Suite.SYSTEM, complete=True),
        why="balances the load",
        version_flag="-v",
    ),
    ProgramSpec(
        name="loki",
        minimum=(3, 4),  # takes OTLP natively with the settings that loki.yml uses
        why="stores the logs",
        otherwise="the log files are read instead",
    ),
    ProgramSpec(
        name="otelcol",
        commands=("otelcol-contrib", "otelcol"),
        why="sends the logs to Loki",
        otherwise="logs stay in their files; `alertdrill build-collector` builds it with Go",
    ),
    ProgramSpec(
        name="grafana",
        commands=("grafana", "grafana-server"),
        why="shows the dashboards",
        version_flag="-v",
        otherwise="there are no dashboards; Prometheus answers queries by its API",
    ),
)
