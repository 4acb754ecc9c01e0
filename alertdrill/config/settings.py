"""The settings of the stack, from the environment and `.env`.

`.env.example` documents each variable. An invalid value is an error that names the variable, its
file, its value and what would be right.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import AfterValidator, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from .. import VERSION
from ..errors import AlertdrillError
from . import ROOT, env_block
from .service import MAX_REPLICAS
from .services import SERVICES, healing_enabled, min_replicas, ops_port

# The runtimes that users choose from. `in-network` is Compose as seen from inside a container.
RUNTIMES = ("auto", "native", "compose")
IN_NETWORK = "in-network"
# Only the control API works with a Swarm; the command line does not.
SWARM = "swarm"
# A tag of an image, with a digest if it is pinned.
IMAGE_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?"
# A registry, with an optional port and path.
REGISTRY = r"([A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9][a-z0-9._-]*)*)?"
DIGEST = r"sha256:[0-9a-f]{64}"
# Four numbers up to 255, without leading zeros.
OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
ADDRESS = rf"{OCTET}(\.{OCTET}){{3}}"
PROJECT = r"[a-z0-9][a-z0-9_-]*"
# The modes of the responder: it acts, only records what it would do, or makes no decisions.
HEALING = ("on", "dry-run", "off")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# The default password: a random one is created at the first start.
RANDOM = "random"
# The registry in the names of images that are built locally. `.invalid` is reserved (RFC 6761): no
# registry can answer for it, so an image of this name is never pulled.
LOCAL_REGISTRY = "alertdrill.invalid"


class SettingsError(AlertdrillError):
    """A variable has an invalid value."""


def _accept(check: Callable[[Any], object], hint: str) -> BeforeValidator:
    """Accept a value for which `check` is true; the hint says what would be right."""

    def validate(value: object) -> object:
        if not check(value):
            raise ValueError(hint)
        return value

    return BeforeValidator(validate)


def _one_of(*choices: str, hidden: tuple[str, ...] = ()) -> BeforeValidator:
    """Accept one of the choices; an error does not show the hidden ones."""
    return _accept(lambda value: value in (*choices, *hidden), f"use one of {', '.join(choices)}")


def _like(pattern: str, example: str) -> BeforeValidator:
    return _accept(
        lambda value: isinstance(value, str) and re.fullmatch(pattern, value), f"use {example}"
    )


def _between(low: int, high: int) -> BeforeValidator:
    return _accept(
        # Docker Compose keeps leading zeros, so they are refused.
        lambda value: re.fullmatch(r"0|[1-9][0-9]{0,8}", str(value)) and low <= int(value) <= high,
        f"use a whole number from {low} to {high}",
    )


def _is_speed(value: Any) -> bool:
    try:
        return 1 <= float(value) <= 1000
    except ValueError:
        return False


# A relative path starts at the repository.
Folder = Annotated[Path, AfterValidator(lambda path: ROOT / path)]
Switch = Annotated[bool, _accept(lambda value: value in ("0", "1", True, False), "use one of 0, 1")]
# Ports below 1024 need root; 60000 leaves room for the instances.
Port = Annotated[int, _between(1024, 60000)]
Optional = Annotated[int, _between(0, 1)]
Tag = Annotated[str, _like(IMAGE_TAG, "a value like v1.2.3 or v1.2.3@sha256:<64 hex digits>")]


@dataclass(frozen=True)
class Ports:
    """The port of each component; its variable is the field's name in capitals + `_PORT`."""

    lb: Port = 8080
    lb_internal: Port = 8081
    lb_stats: Port = 8404
    prometheus: Port = 9090
    alertmanager: Port = 9093
    responder: Port = 8090
    responder_ops: Port = 8140
    control: Port = 8091
    control_ops: Port = 8141
    grafana: Port = 3000
    loki: Port = 3100
    loki_grpc: Port = 9096
    node_exporter: Port = 9100
    blackbox_exporter: Port = 9115
    collector_metrics: Port = 8888
    collector_health: Port = 13133
    locust: Port = 8089
    # The ports of native instances are above this one.
    instances: Port = 15000

    def instance(self, service: str, number: int) -> int:
        """Return the port of a native instance of a service."""
        return self.instances + SERVICES[service].offset + number

    def of_instances(self) -> Mapping[int, str]:
        """Return the ports of all native instances that may run, and what listens on each."""
        owners: dict[int, str] = {}
        for service in SERVICES.values():
            for number in range(1, service.replicas.max + 1):
                port, name = self.instance(service.name, number), f"{service.name}-{number}"
                owners |= {port: name, ops_port(port): f"the operations of {name}"}
        return owners


@dataclass(frozen=True)
class Replicas:
    """The optional components: 0 leaves one out."""

    loki: Optional = 1
    collector: Optional = 1
    grafana: Optional = 1


@dataclass(frozen=True)
class ImageVersions:
    """The field's name in capitals + `_VERSION` is the variable that sets it.

    `docker-compose.yml` has the same defaults; a test keeps them equal.
    """

    alertdrill: Tag = VERSION
    python: Tag = (
        "3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285"
    )
    busybox: Tag = (
        "1.37.0-musl@sha256:222ad6d973c0d198014546a65cd02c5fdedcc172123c5b4c2bf0af636550bd94"
    )
    haproxy: Tag = "3.0.10"
    prometheus: Tag = (
        "v3.5.0@sha256:63805ebb8d2b3920190daf1cb14a60871b16fd38bed42b857a3182bc621f4996"
    )
    alertmanager: Tag = (
        "v0.28.1@sha256:27c475db5fb156cab31d5c18a4251ac7ed567746a2483ff264516437a39b15ba"
    )
    loki: Tag = "3.4.3"
    collector: Tag = (
        "0.148.0@sha256:8164eab2e6bca9c9b0837a8d2f118a6618489008a839db7f9d6510e66be3923c"
    )
    grafana: Tag = "12.0.2@sha256:b5b59bfc7561634c2d7b136c4543d702ebcc94a3da477f21ff26f89ffd4214fa"
    node_exporter: Tag = (
        "v1.9.1@sha256:d00a542e409ee618a4edc67da14dd48c5da66726bbd5537ab2af9c1dfc442c8a"
    )
    blackbox_exporter: Tag = (
        "v0.27.0@sha256:a50c4c0eda297baa1678cd4dc4712a67fdea713b832d43ce7fcc5f9bea05094d"
    )
    pushgateway: Tag = "v1.11.1"


@dataclass(frozen=True)
class StackSettings:
    """The settings of the whole stack; `home` is the folder for everything that it writes.

    Users can't set the last five. `speed`, from 1 to 1000, divides every duration of the rules
    and routes. `ephemeral` marks a stack that exists for one run only, whose series may be
    backfilled and deleted. `fake_loki` starts a fake Loki on hosts without Loki.
    """

    # JSON of another version is refused.
    __pydantic_config__ = ConfigDict(extra="forbid")

    home: Folder
    cache: Folder | None = None
    runtime: Annotated[str, _one_of(*RUNTIMES, hidden=(IN_NETWORK, SWARM))] = "auto"
    lb_address: Annotated[str, _like(ADDRESS, "an IPv4 address")] = "127.0.0.1"
    ports: Ports = Ports()
    # Files of other repositories that declare services, with colons between; services.py reads it.
    services_files: str = ""
    # The mode of the responder.
    healing: Annotated[str, _one_of(*HEALING)] = "on"
    faults_enabled: Switch = True
    log_level: Annotated[str, _one_of(*LOG_LEVELS)] = "INFO"
    # The objectives are over 30 days; five more keep the oldest samples available to queries.
    retention: str = "35d"
    # 1,000 samples per second take about 4 GB in 35 days, at 1.3 bytes each.
    retention_size: str = "5GB"
    # For containers only: the Compose project, the images, and the optional components.
    project: Annotated[str, _like(PROJECT, "a value like alertdrill")] = "alertdrill"
    versions: ImageVersions = field(default_factory=ImageVersions)
    # The registry of our own images, which are pulled by digest. Empty: they are built locally.
    registry: Annotated[str, _like(REGISTRY, "a value like registry.example.com/team")] = ""
    digests: Mapping[str, Annotated[str, _like(DIGEST, "a value like sha256:<64 hex digits>")]] = (
        field(default_factory=dict)
    )
    replicas: Replicas = Replicas()
    docker_root: str = "/var/lib/docker"
    docker_socket: str = "/var/run/docker.sock"
    grafana_password: Annotated[str, _accept(bool, "remove it to get a random one")] = RANDOM
    speed: Annotated[float, _accept(_is_speed, "use a number from 1 to 1000")] = 1.0
    ephemeral: bool = False
    fake_loki: bool = False
    # In place of what apps/services.yml declares, by service.
    instances: Mapping[str, int] = field(default_factory=dict)
    heal: Mapping[str, bool] = field(default_factory=dict)

    def image(self, name: str) -> str:
        """Return the reference of one of the `own_images`."""
        if self.registry:
            return f"{self.registry}/{name}:{self.versions.alertdrill}@{self.digests[name]}"
        return f"{LOCAL_REGISTRY}/{name}:{self.versions.alertdrill}"

    def min_replicas(self) -> dict[str, int]:
        """Return how many instances of each service a new stack starts, and always keeps."""
        return {**min_replicas(), **self.instances}

    def healing_enabled(self, service: str) -> bool:
        """Return whether the responder may heal a service; it never heals other components."""
        return self.heal.get(service, healing_enabled(service))

    def to_json(self) -> str:
        """Return the settings as JSON, for other processes; `from_dict` is the inverse."""
        return TypeAdapter(StackSettings).dump_json(self).decode()

    @staticmethod
    def from_dict(document: Any) -> StackSettings:
        """Return the settings of parsed JSON; raise `ValueError` for JSON of another version."""
        names = {item.name for item in fields(StackSettings)}
        if not isinstance(document, dict) or names - document.keys():
            raise ValueError("the JSON has no stack settings of this version")
        return TypeAdapter(StackSettings).validate_python(document)


def own_images() -> tuple[str, ...]:
    """Return the names of the images that are built here."""
    built = (name for name, service in SERVICES.items() if not service.image)
    return (*built, "responder", "tools")


def instance_port_range() -> int:
    """Return the distance from INSTANCES_PORT to the last port of a native instance."""
    return ops_port(max(service.offset for service in SERVICES.values()) + MAX_REPLICAS)


def digest_variable(image: str) -> str:
    """Return the variable that holds the digest of one of the `own_images`."""
    return f"{image.upper().replace('-', '_')}_DIGEST"


def variables() -> Mapping[str, tuple[str, ...]]:
    """Return each variable, with the place of its value in `StackSettings`."""
    images = [item.name for item in fields(ImageVersions)]
    return {
        "ALERTDRILL_HOME": ("home",),
        "ALERTDRILL_CACHE": ("cache",),
        "RUNTIME": ("runtime",),
        "LB_ADDRESS": ("lb_address",),
        **{f"{item.name.upper()}_PORT": ("ports", item.name) for item in fields(Ports)},
        "SERVICES_FILES": ("services_files",),
        "HEALING": ("healing",),
        "FAULTS_ENABLED": ("faults_enabled",),
        "LOG_LEVEL": ("log_level",),
        "PROMETHEUS_RETENTION": ("retention",),
        "PROMETHEUS_RETENTION_SIZE": ("retention_size",),
        "COMPOSE_PROJECT_NAME": ("project",),
        **{f"{image.upper()}_VERSION": ("versions", image) for image in images},
        "REGISTRY": ("registry",),
        **{digest_variable(image): ("digests", image) for image in own_images()},
        **{f"{item.name.upper()}_REPLICAS": ("replicas", item.name) for item in fields(Replicas)},
        "DOCKER_ROOT": ("docker_root",),
        "DOCKER_SOCKET": ("docker_socket",),
        "GRAFANA_PASSWORD": ("grafana_password",),
    }


def current(*, for_start: bool = False) -> StackSettings:
    """Return the settings of this command, from its environment and `.env`.

    A start ignores what the last one found out about the host: it finds out again.
    """
    return load(os.environ, for_start=for_start)


def load(
    environment: Mapping[str, str], file: Path = ROOT / ".env", *, for_start: bool = False
) -> StackSettings:
    """Read the settings; the environment overrides the file. Raises `SettingsError`."""
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} can't be read: {error}.") from error
    if for_start:
        text = env_block.HOST.blank_in(text)
    lines: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        written = binding.original.string
        blank = written[: len(written) - len(written.lstrip())].count("\n")
        line = f"{file}:{binding.original.line + blank}"
        if binding.error:
            raise SettingsError(f"{line}: it is no setting: write NAME=VALUE.")
        is_ours, value = binding.key in variables(), binding.value or ""
        if is_ours and "$" in value and f"'{value}'" not in written:
            raise SettingsError(
                f"{line}: {binding.key} has a dollar sign, with which Docker Compose begins a"
                " variable: put the value in single quotes."
            )
        if binding.key and binding.key not in environment:
            lines[binding.key] = line
    # No variables in values: Docker Compose has other rules for them.
    raw = dotenv_values(stream=StringIO(text), interpolate=False)
    values = {name: value or "" for name, value in raw.items()}
    return parse({**values, **environment}, lines)


def parse(values: Mapping[str, str], lines: Mapping[str, str] | None = None) -> StackSettings:
    """Return the settings in `values`; raise `SettingsError` naming a bad variable.

    `lines` has the file and line of each variable that is not from the environment.
    """
    places = dict(variables())
    if values.get("RUNTIME") == IN_NETWORK:  # docker-compose.yml sets the speed of the whole stack
        places["SPEED"] = ("speed",)
    nested: dict[str, Any] = {"home": "var"}
    for name, (*outer, key) in places.items():
        value = values.get(name, "").strip()
        # An empty value means the default, except for a password, which must not be empty.
        if value or (name == "GRAFANA_PASSWORD" and name in values):
            (nested.setdefault(outer[0], {}) if outer else nested)[key] = value
    try:
        settings = TypeAdapter(StackSettings).validate_python(nested)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        loc, value, hint = first["loc"], first["input"], first["ctx"]["error"]
        variable = next(name for name, place in places.items() if place == loc[: len(place)])
        origin = f"{lines[variable]}: " if lines and variable in lines else ""
        raise SettingsError(f"{origin}{variable} is {value!r}: {hint}.") from None
    _check_together(settings)
    return settings


def _check_together(settings: StackSettings) -> None:
    """Raise `SettingsError` if an image has no digest, or if two programs have the same port."""
    missing = [digest_variable(name) for name in own_images() if name not in settings.digests]
    if settings.registry and missing:
        raise SettingsError(
            f"REGISTRY is set but {', '.join(missing)} is not: set the digest of every image, since"
            " a tag can change. `alertdrill images push` prints the digests."
        )
    ports = settings.ports
    seen: dict[int, str] = {}
    for item in fields(Ports):
        port, variable = getattr(ports, item.name), f"{item.name.upper()}_PORT"
        if port in seen:
            raise SettingsError(f"{seen[port]} and {variable} are both {port}: change one of them.")
        seen[port] = variable
    for port, owner in ports.of_instances().items():
        if port in seen:
            raise SettingsError(
                f"{seen[port]} is {port}, which is the port of {owner}:"
                " change it or INSTANCES_PORT."
            )
