"""Settings from the environment and `.env`; `.env.example` documents each variable."""

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
# The runtimes that users choose from. `in-network` is Compose as seen from inside a container.
RUNTIMES = ("auto", "native", "compose")
IN_NETWORK = "in-network"
# Only the control API works with a Swarm; the command line does not.
SWARM = "swarm"
# The load balancer's native configuration has this number of slots for each service.
MAX_REPLICAS = 4
# A tag of an image, with a digest if it is pinned.
IMAGE_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?"
# A registry, with an optional port and path.
REGISTRY = r"([A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9][a-z0-9._-]*)*)?"
DIGEST = r"(sha256:[0-9a-f]{64})?"
# The modes of the responder: it acts, only records what it would do, or makes no decisions.
HEALING = ("on", "dry-run", "off")
# The default password: a random one is created at the first start.
RANDOM = "random"
# Our services by name, in the order of `apps/services.yml`.
SERVICES = services.read_services(ROOT / "apps")
# The default number of instances of a service: if one fails, another still serves.
MIN_REPLICAS = 2
# The images built from apps/Dockerfile.
OWN_IMAGES = (*SERVICES, "responder", "tools")
# The registry in the names of images that are built locally. `.invalid` is reserved (RFC 6761): no
# registry can answer for it, so an image of this name is never pulled.
LOCAL_REGISTRY = "alertdrill.invalid"
# The distance from INSTANCES_PORT to the port of the last native instance.
INSTANCE_PORT_RANGE = max(service.offset for service in SERVICES.values()) + MAX_REPLICAS


@dataclass(frozen=True)
class Ports:
    """The port of each component; its variable is the field's name in capitals + `_PORT`."""

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
    # The ports of native instances are above this one.
    instances: int = 15000

    def instance(self, service: str, number: int) -> int:
        """Return the port of a native instance of a service."""
        return self.instances + SERVICES[service].offset + number


@dataclass(frozen=True)
class Replicas:
    """The optional components: 0 leaves one out."""

    loki: int = 1
    collector: int = 1
    grafana: int = 1


@dataclass(frozen=True)
class StackSettings:
    """The settings of the whole stack; `home` is the folder for everything that it writes.

    Users can't set the last three. `speed` divides every duration of the rules and routes.
    `ephemeral` marks a stack that exists for one run only, whose series may be backfilled and
    deleted. `fake_loki` starts a fake Loki on hosts without Loki.
    """

    home: Path
    cache: Path | None = None
    runtime: str = "auto"
    lb_address: str = "127.0.0.1"
    ports: Ports = Ports()
    # The minimum number of instances of each service; a new stack starts this number.
    instances: Mapping[str, int] = field(
        default_factory=lambda: dict.fromkeys(SERVICES, MIN_REPLICAS)
    )
    # `heal` has the services that the responder may restart and scale; `healing` is its mode.
    heal: Mapping[str, bool] = field(default_factory=lambda: dict.fromkeys(SERVICES, True))
    healing: str = "on"
    faults_enabled: bool = True
    log_level: str = "INFO"
    # The objectives are over 30 days; five more keep the oldest samples available to queries.
    retention: str = "35d"
    # 1,000 samples per second take about 4 GB in 35 days, at 1.3 bytes each.
    retention_size: str = "5GB"
    # For containers only: the Compose project, the images, and the optional components.
    project: str = "alertdrill"
    versions: ImageVersions = field(default_factory=ImageVersions)
    # The registry of our own images, which are pulled by digest. Empty: they are built locally.
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
        """Return the minimum number of instances of a service."""
        return self.instances.get(service, MIN_REPLICAS)

    def healing_enabled(self, service: str) -> bool:
        """Return whether the responder may heal a service; it never heals other components."""
        return service in SERVICES and self.heal.get(service, True)


def load(environment: Mapping[str, str], file: Path | None = None) -> StackSettings:
    """Read the settings; the environment overrides the file. Raises `SettingsError`."""
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
        # `/` keeps an absolute path; a relative path starts at the repository.
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
    name = read.text("RUNTIME", "auto")
    return name if name in (IN_NETWORK, SWARM) else read.choice("RUNTIME", "auto", RUNTIMES)


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
            f"REGISTRY is set but {', '.join(missing)} is not: set the digest of every image, since"
            " a tag can change. `alertdrill images push` prints the digests."
        )
    return digests


def _ports(read: EnvReader) -> Ports:
    defaults = {item.name: int(str(item.default)) for item in fields(Ports)}
    # Ports below 1024 need root; 60000 leaves room for the instances.
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
    result = Ports(**ports)
    _require_free_instance_ports(result, seen)
    return result


def _require_free_instance_ports(ports: Ports, seen: Mapping[int, str]) -> None:
    for service in SERVICES:
        for number in range(1, MAX_REPLICAS + 1):
            port = ports.instance(service, number)
            if port in seen:
                raise SettingsError(
                    f"{seen[port].upper()}_PORT is {port}, which is the port of {service}-{number}:"
                    " change it or INSTANCES_PORT."
                )


def current() -> StackSettings:
    """Return the settings of this command, from its environment and `.env`."""
    return load(os.environ)
