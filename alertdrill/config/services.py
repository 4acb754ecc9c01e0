"""Our services, as `apps/services.yml` declares them; docs/how-to/add-a-service.md explains it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from ..errors import AlertdrillError
from . import ROOT
from .components import COMPONENTS, SUPERVISOR, TASKS, Component
from .yaml_lines import Seconds, YamlDocument, YamlModel, sentence

# Each service has a hundred native ports; ten services leave room for an ephemeral stack.
MIN_PORT, MAX_PORT = 5000, 5009
# From the port of an instance to that of its operations: far above the ports of the other services
# in containers (ten), and natively between those of its service's instances (at most eight) and
# those of the next service.
OPS_OFFSET = 50
NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
# A hostname has at most 63 characters, including the project's name and the instance's number.
MAX_NAME_LENGTH = 30
# The end of the name of a service's second backend: see lb/backend.cfg.
LARGE = "-large"
SIZE = r"[1-9][0-9]{0,5}MiB"
PATH = r"(/[A-Za-z0-9._~-]+)+"
# The highest number of an instance: its native port is below that of its operations, and the load
# balancer and Prometheus look for this number of containers.
MAX_REPLICAS = 8
# A service's own settings, beside its code. Docker Compose reads the same file, and interprets
# quotes, dollar signs and backslashes, so they are refused.
SETTINGS = "settings.env"
WORD = r"[^\s\"'$#\\\ud800-\udfff]+"
LINE = rf"(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>{WORD}( {WORD})*|)"


class ServicesError(AlertdrillError):
    """A declaration of a service is invalid; the message starts with file and line."""


def _path(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(PATH, value):
        raise ValueError("use a path such as /orders")
    return value


def _name(name: str) -> str:
    if not re.fullmatch(NAME, name) or len(name) > MAX_NAME_LENGTH or name[-1].isdigit():
        raise sentence(
            f"{name!r} is not a valid service name: use up to {MAX_NAME_LENGTH} small letters,"
            " digits and single hyphens, and end with a letter"
        )
    if name.endswith(LARGE):
        raise sentence(
            f"{name!r} ends in {LARGE}, as the load balancer's backends for large bodies do: use"
            " another name"
        )
    if name in (*COMPONENTS, *TASKS, SUPERVISOR):
        raise sentence(f"{name} is a component of the stack: use another name")
    return name


def _bytes(value: object, info: ValidationInfo) -> object:
    if info.context is None:  # of code, not of a file
        return value
    if not re.fullmatch(SIZE, str(value)):
        raise ValueError("use a size such as 256MiB")
    return int(str(value).removesuffix("MiB")) * 2**20


ServiceName = Annotated[str, AfterValidator(_name)]
UrlPath = Annotated[str, BeforeValidator(_path)]
Bytes = Annotated[int, BeforeValidator(_bytes)]


class Objective(YamlModel):
    """The ratio of requests that must not fail, and the seconds within which one is fast enough."""

    availability: float = Field(gt=0, lt=1)
    latency: Seconds = Field(gt=0)


class Limits(YamlModel):
    """What an instance may use: bytes of memory, and series of metrics that it exposes."""

    memory: Bytes
    series: int = Field(gt=0)


class Replicas(YamlModel):
    """How many instances a service starts with, and up to how many the responder scales it out.

    With two, another serves if one fails.
    """

    min: int = Field(default=2, ge=1, le=MAX_REPLICAS)
    max: int = Field(default=4, ge=1, le=MAX_REPLICAS)

    @model_validator(mode="after")
    def _check_order(self) -> Replicas:
        if self.min > self.max:
            raise sentence(f"min is {self.min} and max is {self.max}: make max at least min", "max")
        return self


class AuditRequest(YamlModel):
    """The request that `alertdrill audit` sends: its path, and its body as JSON."""

    path: UrlPath
    body: Any = None


class Declaration(YamlModel):
    """A service's entry in `services.yml`.

    Clients request the `public` paths and other services the `internal` ones; both include all
    paths below them. `calls` names the services that it calls. The responder may restart and scale
    it if `heal` is true. `server` runs it.
    """

    port: int = Field(ge=MIN_PORT, le=MAX_PORT)
    public: Sequence[UrlPath] = ()
    internal: Sequence[UrlPath] = ()
    calls: Sequence[str] = ()
    audit: AuditRequest | None = None
    objective: Objective
    limits: Limits
    replicas: Replicas = Replicas()
    heal: bool = True
    server: Literal["gunicorn", "granian"] = "granian"


class Service(Declaration):
    """A service; `environment` has its own settings."""

    name: str
    environment: Mapping[str, str] = {}

    @property
    def package(self) -> str:
        """The folder of its code in apps/."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The prefix of its variables."""
        return self.package.upper()

    @property
    def offset(self) -> int:
        """The distance from INSTANCES_PORT to the ports of its native instances."""
        return (self.port - MIN_PORT + 1) * 100


def ops_port(port: int) -> int:
    """Return where an instance listens for operations, if `port` is its port for requests.

    Operations are `/healthz`, `/readyz`, `/metrics` and `/faults`. The rule holds in every runtime.
    """
    return port + OPS_OFFSET


def read_services(apps: Path) -> Mapping[str, Service]:
    """Return the services that a folder declares; raise `ServicesError` if one is invalid."""
    document = YamlDocument(apps / "services.yml", ServicesError)
    services: dict[str, Service] = {}
    owners: dict[tuple[str, object], str] = {}
    for name, declaration in document.parse(dict[ServiceName, Declaration]).items():
        for key in ("port", "public", "internal"):
            value = getattr(declaration, key)
            for item in [value] if key == "port" else value:
                owner = owners.setdefault((key, item), name)
                if owner != name:
                    document.refuse(f"{key} {item} already belongs to {owner}", name, key)
        folder = apps / name.replace("-", "_")
        # The image of the command line has the declarations without the code.
        if (apps / "__init__.py").exists() and not (folder / "__init__.py").exists():
            document.refuse(
                f"there is no apps/{folder.name}/__init__.py: add one with create_app()", name
            )
        own = environment(folder / SETTINGS)
        services[name] = Service(name=name, environment=own, **declaration.model_dump())
    for name, service in services.items():
        if unknown := set(service.calls) - services.keys():
            document.refuse(f"calls has {min(unknown)!r}, which is no service", name, "calls")
    return services


def environment(file: Path) -> Mapping[str, str]:
    """Return a service's own settings; none without a file. Raises `ServicesError`."""
    values: dict[str, str] = {}
    # Text that is not UTF-8 does not match LINE, so it is refused with its line.
    text = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(LINE, line)
        if match is None:
            raise ServicesError(
                f"{file.parent.name}/{file.name}:{number}: write NAME=VALUE, the value without"
                " quotes, $, #, \\ and outer spaces."
            )
        values[match["name"]] = match["value"]
    return values


class _DeclaredServices(Mapping[str, Service]):
    """The services of `apps/services.yml`, in its order; the first use reads the file."""

    @cached_property
    def _services(self) -> Mapping[str, Service]:
        return read_services(ROOT / "apps")

    def __getitem__(self, name: str) -> Service:
        return self._services[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._services)

    def __len__(self) -> int:
        return len(self._services)


SERVICES: Mapping[str, Service] = _DeclaredServices()


def min_replicas() -> dict[str, int]:
    """Return the minimum number of instances of each service; a new stack starts this number."""
    return {name: service.replicas.min for name, service in SERVICES.items()}


def healing_enabled(service: str) -> bool:
    """Return whether the responder may heal a service; it never heals other components."""
    return service in SERVICES and SERVICES[service].heal


@cache
def all_components() -> Mapping[str, Component]:
    """Return the components of the stack and, as components, our services."""
    services = {
        name: Component(service.port, "/readyz", job="services", ops=ops_port(service.port))
        for name, service in SERVICES.items()
    }
    return {**COMPONENTS, **services}
