"""The programs of the stack: commands, minimum versions and packages."""

from dataclasses import dataclass
from enum import Enum

from alertdrill.toolchain.version import Version, format_version


class Suite(Enum):
    """The suite of the distribution's archive that has a package."""

    DEVELOPMENT = "development suite"
    SYSTEM = "own release"


# The name of an unpacked program's data folder in its working directory.
DATA_FOLDER = "builtin"


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution package.

    `parts` are packages that a newer distribution may have split off it: they are taken along
    where they exist. `complete` says that its missing dependencies are needed too. `files` is a
    folder that its programs read from at a fixed place; unpacked, they look for it in their
    working directory instead, under `FILES`.
    """

    name: str
    suite: Suite
    parts: tuple[str, ...] = ()
    complete: bool = False
    files: str = ""


@dataclass(frozen=True, slots=True)
class ProgramSpec:
    """A program, the names of its command, and the oldest supported version.

    Without a `package` it is optional and never downloaded: the stack uses it if it is on the
    PATH. `otherwise` says what happens without it. A program that can be `built` (see build.py) is
    also searched for in the folder of built programs.
    """

    name: str
    commands: tuple[str, ...]
    minimum: Version
    package: Package | None
    why: str
    version_flag: str = "--version"
    otherwise: str = ""
    built: bool = False

    def __str__(self) -> str:
        """Return the name with the minimum version, for messages."""
        return f"{self.name} {format_version(self.minimum)} or newer" if self.minimum else self.name


# Debian 12 and Ubuntu's long-term releases carry Prometheus 2, hence the development suite. Its
# packages of the Prometheus family are Go programs that need nothing but libc6 2.34 or newer.
_PROMETHEUS = Package("prometheus", Suite.DEVELOPMENT, parts=("promtool",))
_ALERTMANAGER = Package(
    "prometheus-alertmanager", Suite.DEVELOPMENT, files="/usr/share/prometheus/alertmanager"
)
_NODE_EXPORTER = Package("prometheus-node-exporter", Suite.DEVELOPMENT)
_BLACKBOX_EXPORTER = Package("prometheus-blackbox-exporter", Suite.DEVELOPMENT)
# HAProxy is C and links to the release's own libraries, so it comes from the same release.
_HAPROXY = Package("haproxy", Suite.SYSTEM, complete=True)

_PUSHGATEWAY = Package("prometheus-pushgateway", Suite.DEVELOPMENT)

# pip for a Python that came without it; not a program of the stack.
PIP = Package("python3-pip-whl", Suite.SYSTEM)

PROGRAMS: tuple[ProgramSpec, ...] = (
    ProgramSpec(
        name="prometheus",
        commands=("prometheus",),
        minimum=(3, 5),  # the first long-term release of Prometheus 3
        package=_PROMETHEUS,
        why="scrapes every instance and evaluates the rules",
    ),
    ProgramSpec(
        name="promtool",
        commands=("promtool",),
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
        commands=("amtool",),
        minimum=(0, 27),  # it must parse the configuration as alertmanager does
        package=_ALERTMANAGER,
        why="checks the alert routes",
    ),
    ProgramSpec(
        name="node_exporter",
        commands=("node_exporter", "prometheus-node-exporter"),
        minimum=(1, 5),  # what Debian 12 has, the oldest system we support
        package=_NODE_EXPORTER,
        why="measures the machine",
    ),
    ProgramSpec(
        name="blackbox_exporter",
        commands=("blackbox_exporter", "prometheus-blackbox-exporter"),
        minimum=(0, 23),  # what Debian 12 has, the oldest system we support
        package=_BLACKBOX_EXPORTER,
        why="probes the services from outside",
    ),
    ProgramSpec(
        name="haproxy",
        commands=("haproxy",),
        minimum=(2, 6),  # what Debian 12 has, the oldest system we support
        package=_HAPROXY,
        why="balances the load",
        version_flag="-v",
    ),
    ProgramSpec(
        name="loki",
        commands=("loki",),
        minimum=(3, 4),  # takes OTLP natively with the settings that loki.yml uses
        package=None,
        why="stores the logs",
        otherwise="the log files are read instead",
    ),
    ProgramSpec(
        name="otelcol",
        commands=("otelcol-contrib", "otelcol"),
        minimum=(),
        package=None,
        why="sends the logs to Loki",
        otherwise="logs stay in their files; `alertdrill build-collector` builds it with Go",
        built=True,
    ),
    ProgramSpec(
        name="grafana",
        commands=("grafana", "grafana-server"),
        minimum=(),
        package=None,
        why="shows the dashboards",
        version_flag="-v",
        otherwise="there are no dashboards; Prometheus answers queries by its API",
    ),
)

# Only the images need it: the native runtime has no batch jobs.
PUSHGATEWAY = ProgramSpec(
    name="pushgateway",
    commands=("pushgateway", "prometheus-pushgateway"),
    minimum=(1, 5),  # what Debian 12 has, the oldest system we support
    package=_PUSHGATEWAY,
    why="stores the metrics that batch jobs push",
)
