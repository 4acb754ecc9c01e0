"""A service, as `apps/services.yml` declares it; docs/how-to/add-a-service.md explains the keys."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from . import ROOT
from .service_values import (
    Application,
    Command,
    FileInFolder,
    FileName,
    Folder,
    Host,
    Image,
    Memory,
    Size,
    UrlPath,
    Value,
    VariableName,
)
from .yaml_lines import Seconds, YamlModel, sentence

# Of the histogram of response times, in seconds; a test compares them with the library's.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Each service has a hundred native ports; ten services leave room for an ephemeral stack.
MIN_PORT, MAX_PORT = 5000, 5009
# The highest number of an instance: its native port is below that of its operations, and the load
# balancer and Prometheus look for this number of containers.
MAX_REPLICAS = 8
# The folder, in no repository, of the secrets that the operator provides: SERVICE/NAME for each.
SECRETS = "secrets"
# How long the load balancer waits for an answer, in seconds.
DEFAULT_RESPONSE = 10.0
MAX_RESPONSE = 300.0
# A stop takes this long in addition to the longest response: a drain (12 s), and 3 s to exit.
STOP_SECONDS = 15
# The load balancer has 896 connections for all clients.
MAX_CONNECTIONS, DEFAULT_CONNECTIONS = 800, 100
# Processes and threads of an instance beside its worker threads: those of its operations, mostly.
OTHER_PIDS = 32
# Variables that applications take for a secret itself.
SECRET_VARIABLE = re.compile(r"(^|_)(SECRET|SECRET_KEY|PASSWORD|TOKEN|API_KEY)$")
# In a value of `env`: an escaped brace, or the name of a volume or a secret.
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


def url_variable(service: str) -> str:
    """Return the variable that has the address for calls of a service."""
    return f"{service.replace('-', '_').upper()}_URL"


class Objective(YamlModel):
    """The ratio of requests that must not fail, and the seconds within which one is fast enough."""

    # Of a million requests one may fail: with less, no month has an error budget.
    availability: float = Field(gt=0, le=0.999999)
    latency: Seconds

    @field_validator("latency")
    @classmethod
    def _check_latency(cls, latency: float) -> float:
        if latency not in BUCKETS:
            bounds = ", ".join(f"{bound * 1000:g}ms" for bound in BUCKETS)
            raise sentence(f"latency is {latency * 1000:g}ms: use a bound of a bucket ({bounds})")
        return latency


class Limits(YamlModel):
    """What an instance may use.

    Bytes of memory, series of metrics that it exposes, CPUs, and threads and processes. A container
    can't exceed memory, CPUs and pids; natively they are not enforced.

    What the load balancer forwards: bytes of a request's header and of its body. `response` is how
    many seconds it waits for an answer, and `tunnel_timeout` for a message of an open WebSocket or
    a stream of events (SSE).
    """

    memory: Memory
    series: int = Field(gt=0)
    cpu: float = Field(default=1.0, gt=0, le=64)
    pids: int = Field(default=64, ge=16)
    # At most 8,190 bytes, which every server takes and which fit in the load balancer's buffer with
    # a small body.
    headers: Size | None = Field(default=None, ge=1024, le=7 * 1024)
    body: Size | None = Field(default=None, ge=1024)
    # A stop, a drain and a reload of the load balancer wait as long.
    response: Seconds = Field(default=DEFAULT_RESPONSE, gt=0, le=MAX_RESPONSE)
    tunnel_timeout: Seconds | None = Field(default=None, gt=0, le=86_400)


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

    The code: `app` is what the server loads from the folder `path`, relative to the repository;
    `requirements`, a file in that folder, are installed for this service alone. In containers, its
    image is built from `dockerfile` in that folder, or `image` has everything in its place. Before
    its instances start, `release` runs once. `job` and `test` are what `alertdrill run` and
    `alertdrill test` run. `server` runs an instance, with `threads`, or with
    `connections` under gevent.

    Clients request the `public` paths, at `host` if it is set, and other services the `internal`
    ones; all of them include the paths below. With `strip_prefix` the service gets requests without
    its public path, which is in `X-Forwarded-Prefix`. With `sticky` a client's requests go to the
    same instance. `calls` names the services that it calls, and the network `outside` lets it reach
    other hosts. The responder may restart and scale it if `heal` is true.

    Its files: `env` has its own variables, in whose values `{name}` is the path of one of its
    `volumes`, which keep their files, or `secrets`. A secret is generated, or the operator provides
    it.
    """

    port: int = Field(ge=MIN_PORT, le=MAX_PORT)
    path: Folder | None = None
    app: Application | None = None
    requirements: FileInFolder | None = None
    dockerfile: FileInFolder | None = None
    image: Image | None = None
    release: Command | None = None
    job: Command | None = None
    test: Command | None = None
    host: Host | None = None
    public: Sequence[UrlPath] = ()
    internal: Sequence[UrlPath] = ()
    strip_prefix: bool = False
    sticky: bool = False
    calls: Sequence[str] = ()
    audit: AuditRequest | None = None
    objective: Objective
    limits: Limits
    replicas: Replicas = Replicas()
    heal: bool = True
    server: Literal["granian", "gunicorn", "gevent"] = "granian"
    threads: int = Field(default=8, ge=1, le=256)
    connections: int | None = Field(default=None, ge=1, le=MAX_CONNECTIONS)
    networks: Sequence[Literal["outside"]] = ()
    env: Mapping[VariableName, Value] = {}
    volumes: Sequence[FileName] = ()
    secrets: Mapping[FileName, Literal["generated", "provided"]] = {}

    @model_validator(mode="after")
    def _check_code(self) -> Declaration:
        if self.path and not self.app:
            raise sentence("path needs app, as in app: blog:create_app()", "path")
        for key in ("requirements", "dockerfile"):
            if getattr(self, key) and not self.path:
                raise sentence(f"{key} needs path, the folder of the file", key)
        for key in ("path", "app", "server"):
            if self.image and key in self.model_fields_set:
                raise sentence(f"image already has the code: remove {key}", key)
        if self.connections and self.server != "gevent":
            raise sentence("connections needs server: gevent; others have threads", "connections")
        if self.server == "gevent" and "threads" in self.model_fields_set:
            raise sentence("gevent has no threads: use connections", "threads")
        if (needed := self.threads + OTHER_PIDS) > self.limits.pids:
            raise sentence(f"{self.threads} threads need limits with pids: {needed}", "threads")
        return self

    @model_validator(mode="after")
    def _check_routes(self) -> Declaration:
        if self.host and not self.public:
            raise sentence("host needs public, as in public: [/]", "host")
        if self.strip_prefix and (len(self.public) != 1 or self.public[0] == "/"):
            raise sentence("strip_prefix needs one public path, as in public: [/blog]", "public")
        return self

    @model_validator(mode="after")
    def _check_files(self) -> Declaration:
        names = [*self.volumes, *self.secrets]
        if repeated := [name for name in names if names.count(name) > 1]:
            raise sentence(f"{repeated[0]} is the name of two volumes or secrets", "volumes")
        called = set(map(url_variable, self.calls))
        for variable, value in self.env.items():
            if variable in called:
                raise sentence(f"{variable} is set by calls", "env")
            for match in PLACEHOLDER.finditer(value):
                name = match[1]
                if name in self.secrets and SECRET_VARIABLE.search(variable):
                    problem = f"{variable} would be the path of a secret, which is no secret"
                    raise sentence(f"{problem}: read the file, and name it {variable}_FILE", "env")
                if name not in (*names, None):
                    declared = ", ".join(names) or "none"
                    problem = f"{{{name}}}, which is no volume or secret: declared are {declared}"
                    raise sentence(f"{variable} has {problem}", "env")
        return self


class Service(Declaration):
    """A service; `file` declares it if it is one of another repository."""

    name: str
    file: str | None = None

    @property
    def package(self) -> str:
        """Its name as a Python package."""
        return self.name.replace("-", "_")

    @property
    def location(self) -> str:
        """The folder of its code, relative to the repository."""
        return self.path or f"apps/{self.package}"

    @property
    def folder(self) -> Path:
        """The folder of its code."""
        return (ROOT / self.location).resolve()

    @property
    def application(self) -> str:
        """What its server loads: module and call."""
        return self.app or f"apps.{self.package}:create_app()"

    @property
    def tests(self) -> str:
        """The folder of its tests, relative to the repository, if `test` does not say more."""
        return f"tests/unit/apps/{self.package}"

    @property
    def variable(self) -> str:
        """The prefix of its variables."""
        return self.package.upper()

    @property
    def offset(self) -> int:
        """The distance from INSTANCES_PORT to the ports of its native instances."""
        return (self.port - MIN_PORT + 1) * 100

    @property
    def capacity(self) -> int:
        """The requests that an instance answers at a time."""
        return (
            (self.connections or DEFAULT_CONNECTIONS) if self.server == "gevent" else self.threads
        )

    @property
    def stop_seconds(self) -> float:
        """The time that an instance has to stop."""
        return STOP_SECONDS + self.limits.response

    @property
    def server_environment(self) -> Mapping[str, str]:
        """The variables of its server."""
        response = self.limits.response
        variables = {"THREADS": str(self.capacity)}
        if response > DEFAULT_RESPONSE:  # as the defaults of the library relate to ten seconds
            variables["GRACEFUL_TIMEOUT"] = str(math.ceil(response))
            variables["STALL_SECONDS"] = f"{response + 5:g}"
        return variables

    def environment(self, files: Mapping[str, str]) -> Mapping[str, str]:
        """Return its own variables; `files` has the path of each of its volumes and secrets.

        A doubled brace stands for a single one.
        """
        return {
            variable: PLACEHOLDER.sub(lambda match: files.get(match[1], match[0][0]), value)
            for variable, value in self.env.items()
        }
