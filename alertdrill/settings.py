"""What a user can set in the environment or in `.env`; `.env.example` documents each variable."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from dotenv import dotenv_values

from . import services
from .env_reader import EnvReader, SettingsError
from .image_versions import ImageVersions

ROOT = Path(__file__).resolve().parent.parent
# Users choose one of these; `in-network` is Compose from inside its networks, for containers.
RUNTIMES = ("auto", "native", "compose")
IN_NETWORK = "in-network"
# Has no command line: the control API alone works with a Swarm.
SWARM = "swarm"
# The load balancer's native configuration has as many places for each service.
MAX_REPLICAS = 4
# A tag of an image, and the digest of what it means where it is pinned.
IMAGE_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?"
# A registry, with a port and a path where it has them.
REGISTRY = r"([A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9][a-z0-9._-]*)*)?"
DIGEST = r"(sha256:[0-9a-f]{64})?"
# Whether the responder heals: it acts, only records what it would do, or makes no decisions.
HEALING = ("on", "dry-run", "off")
# The default password: a random one is created at the first start.
RANDOM = "random"
# Our services by name, in the order of `apps/services.yml`.
SERVICES = services.read_services(ROOT / "apps")
# How many instances of a service a fresh stack runs: one that is lost leaves another.
MIN_REPLICAS = 2
# The images that are built from apps/Dockerfile.
OWN_IMAGES = (*SERVICES, "responder", "tools")
# Where they are named when they are built here. `.invalid` is reserved (RFC 6761): no registry can
# answer for it, so an image of this name is never pulled.
LOCAL_REGISTRY = "alertdrill.invalid"
# How far above INSTANCES_PORT the last instance listens natively.
INSTANCE_PORT_RANGE = max(service.offset for service in SERVICES.values()) + MAX_REPLICAS


@dataclass(frozen=True)
class Ports:
    """Where everything listens, one variable each: the field's name in capitals + `_PORT`."""

    lb: int = 8080
    lb_internal: int = 8081
    lb_stats: int = 8404
    prometheus: int = 9090
    alertmanager: int = 9093
    responder: int = 8090
    control: int = 8091
    grafana: int = 3000
    loki: int = 3100
    loki_grpc: int = 9096
    node_exporter: int = 9100
    blackbox_exporter: int = 9115
    collector_metrics: int = 8888
    collector_health: int = 13133
    locust: int = 8089
    # The native instances' own begin above it.
    instances: int = 15000

    def instance(self, service: str, number: int) -> int:
        """Return where a native instance of a service listens."""
        return self.instances + SERVICES[service].offset + number


@dataclass(frozen=True)
class Replicas:
    """The parts that a host may have to do without: 0 leaves one out."""

    loki: int = 1
    collector: int = 1
    grafana: int = 1


@dataclass(frozen=True)
class StackSettings:
    """The whole stack's settings; `home` holds everything that a run writes.

    The last three are no user's to set: `speed` divides every duration of the rules and routes, a
    `ephemeral` is a stack of a run's own, whose series may be made up and forgotten, and a
    `fake_loki` starts the fake Loki where Loki is missing.
    """

    home: Path
    cache: Path | None = None
    runtime: str = "auto"
    lb_address: str = "127.0.0.1"
    ports: Ports = Ports()
    # The minimum number of instances of each service, which a new stack starts.
    instances: Mapping[str, int] = field(
        default_factory=lambda: dict.fromkeys(SERVICES, MIN_REPLICAS)
    )
    # Which services the responder may restart and scale, and whether it does.
    heal: Mapping[str, bool] = field(default_factory=lambda: dict.fromkeys(SERVICES, True))
    healing: str = "on"
    faults_enabled: bool = True
    log_level: str = "INFO"
    # The objectives are over 30 days; five more, so that the oldest is there when it is asked for.
    retention: str = "35d"
    # 1,000 samples a second make some 4 GB in 35 days, at 1.3 bytes each.
    retention_size: str = "5GB"
    # What only containers have: the name before theirs, their images, parts that may be left out.
    project: str = "alertdrill"
    versions: ImageVersions = field(default_factory=ImageVersions)
    # Where our own images are pulled from, each by its digest; empty builds them here.
    registry: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    replicas: Replicas = Replicas()
    docker_root: str = "/var/lib/docker"
    docker_socket: str = "/var/run/docker.sock"
    grafana_password: str = RANDOM
    speed: float = 1.0
    ephemeral: bool = False
    fake_loki: bool = False

    def image(self, name: str) -> str:
        """Return the reference of one of OWN_IMAGES."""
        if self.registry:
            return f"{self.registry}/{name}:{self.versions.alertdrill}@{self.digests[name]}"
        return f"{LOCAL_REGISTRY}/{name}:{self.versions.alertdrill}"

    def min_replicas(self, service: str) -> int:
        """Return how many instances of a service a fresh stack runs."""
        return self.instances.get(service, MIN_REPLICAS)

    def heals(self, service: str) -> bool:
        """Tell whether the instances of a service carry the heal label; parts never do."""
        return service in SERVICES and self.heal.get(service, True)


def load(environment: Mapping[str, str], file: Path | None = None) -> StackSettings:
    """Read the settings; the environment wins over the file. Raises `SettingsError`."""
    file = file or ROOT / ".env"
    return parse({**_read_file(file), **environment})


def _read_file(file: Path) -> dict[str, str]:
    try:
        return {name: value or "" for name, value in dotenv_values(file).items()}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} can't be read: {error}.") from error


def parse(values: Mapping[str, str]) -> StackSettings:
    """Return the settings in `values`; raise `SettingsError` naming a bad variable."""
    read = EnvReader(values)
    cache = read.text("ALERTDRILL_CACHE", "")
    registry = read.matching("REGISTRY", "", REGISTRY, "registry.example.com/team")
    return StackSettings(
        # `/` keeps an absolute path as it is; a relative one begins at the repository.
        home=ROOT / read.text("ALERTDRILL_HOME", "var"),
        cache=ROOT / cache if cache else None,
        runtime=_runtime(read),
        lb_address=read.address("LB_ADDRESS", "127.0.0.1"),
        ports=_ports(read),
        instances={
            name: read.integer(f"{service.variable}_INSTANCES", MIN_REPLICAS, 1, MAX_REPLICAS)
            for name, service in SERVICES.items()
        },
        heal={
            name: read.choice(f"HEAL_{service.variable}", "1", ("0", "1")) == "1"
            for name, service in SERVICES.items()
        },
        healing=read.choice("HEALING", "on", HEALING),
        faults_enabled=read.choice("FAULTS_ENABLED", "1", ("0", "1")) == "1",
        log_level=read.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        retention=read.text("PROMETHEUS_RETENTION", "35d"),
        retention_size=read.text("PROMETHEUS_RETENTION_SIZE", "5GB"),
        project=read.matching("COMPOSE_PROJECT_NAME", "alertdrill", r"[a-z0-9][a-z0-9_-]*"),
        versions=ImageVersions(
            **{
                item.name: read.matching(
                    f"{item.name.upper()}_VERSION", str(item.default), IMAGE_TAG
                )
                for item in fields(ImageVersions)
            }
        ),
        registry=registry,
        digests=_digests(read, registry),
        replicas=Replicas(
            **{
                item.name: read.integer(f"{item.name.upper()}_REPLICAS", 1, 0, 1)
                for item in fields(Replicas)
            }
        ),
        docker_root=read.text("DOCKER_ROOT", "/var/lib/docker"),
        docker_socket=read.text("DOCKER_SOCKET", "/var/run/docker.sock"),
        grafana_password=read.secret("GRAFANA_PASSWORD", RANDOM),
    )


def _runtime(read: EnvReader) -> str:
    given = read.text("RUNTIME", "auto")
    return given if given in (IN_NETWORK, SWARM) else read.choice("RUNTIME", "auto", RUNTIMES)


def digest_variable(image: str) -> str:
    """Return the variable that holds the digest of one of OWN_IMAGES."""
    return f"{image.upper().replace('-', '_')}_DIGEST"


def _digests(read: EnvReader, registry: str) -> Mapping[str, str]:
    """Return the digest of each image that comes from a registry."""
    digests = {}
    for name in OWN_IMAGES:
        digest = read.matching(digest_variable(name), "", DIGEST, "sha256:<64 hex digits>")
        if digest:
            digests[name] = digest
    missing = [digest_variable(name) for name in OWN_IMAGES if name not in digests]
    if registry and missing:
        raise SettingsError(
            f"REGISTRY is set and {', '.join(missing)} not: a tag can change, so each image is"
            " pulled by its digest. `alertdrill images push` prints them."
        )
    return digests


def _ports(read: EnvReader) -> Ports:
    defaults = {item.name: int(str(item.default)) for item in fields(Ports)}
    # Above 1023, for no part has the right to less; 60000 leaves room for the instances.
    ports = {
        name: read.integer(f"{name.upper()}_PORT", port, 1024, 60000)
        for name, port in defaults.items()
    }
    seen: dict[int, str] = {}
    for name, port in ports.items():
        if port in seen:
            first, second = f"{seen[port].upper()}_PORT", f"{name.upper()}_PORT"
            raise SettingsError(f"{first} and {second} are both {port}: change one of them.")
        seen[port] = name
    made = Ports(**ports)
    _refuse_instances_ports(made, seen)
    return made


def _refuse_instances_ports(made: Ports, seen: Mapping[int, str]) -> None:
    for service in SERVICES:
        for number in range(1, MAX_REPLICAS + 1):
            port = made.instance(service, number)
            if port in seen:
                raise SettingsError(
                    f"{seen[port].upper()}_PORT is {port}, where {service}-{number} listens:"
                    " change it or INSTANCES_PORT."
                )


def current() -> StackSettings:
    """Return the settings of this command, from its environment and `.env`."""
    return load(os.environ)
