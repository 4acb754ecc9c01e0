"""Our services, as `apps/services.yml` declares them; docs/how-to/add-a-service.md explains it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .errors import AlertdrillError
from .yaml_reader import YamlSection, YamlSource, load_yaml

# Each service has a hundred native ports; ten services leave room for an ephemeral stack.
MIN_PORT, MAX_PORT = 5000, 5009
KEYS = ("port", "public", "internal")
NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
# A hostname has at most 63 characters, including the project's name and the instance's number.
MAX_NAME_LENGTH = 30
PATH = r"(/[A-Za-z0-9._~-]+)+"
# Operations endpoints, which the load balancer never forwards to.
OPS_PATHS = ("healthz", "readyz", "metrics", "faults")
# The components of the stack; a test compares the list with docker-compose.yml.
COMPONENT_NAMES = (
    *("alertmanager", "blackbox-exporter", "collector", "control", "docker-proxy", "drills"),
    *("drills-proxy", "grafana", "grafana-token", "init-config", "lb", "locust-master"),
    *("locust-worker", "loki", "node-exporter", "prometheus", "pushgateway", "responder"),
    *("restarter", "test"),
)
# A service's own settings, beside its code. Docker Compose reads the same file, and interprets
# quotes, dollar signs and backslashes, so they are refused.
SETTINGS = "settings.env"
WORD = r"[^\s\"'$#\\\ud800-\udfff]+"
LINE = rf"(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>{WORD}( {WORD})*|)"


class ServicesError(AlertdrillError):
    """A declaration of a service is invalid; the message starts with file and line."""


@dataclass(frozen=True)
class Service:
    """A service: its port, and the paths that the load balancer forwards to it.

    Clients request the `public` paths and other services the `internal` ones; both include all
    paths below them. `environment` has the service's own settings.
    """

    name: str
    port: int
    public: Sequence[str] = ()
    internal: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """The folder of its code in apps/."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The prefix of its variables in `.env`."""
        return self.package.upper()

    @property
    def offset(self) -> int:
        """The distance from INSTANCES_PORT to the ports of its native instances."""
        return (self.port - MIN_PORT + 1) * 100


def read_services(apps: Path) -> Mapping[str, Service]:
    """Return the services that a folder declares; raise `ServicesError` if one is invalid."""
    format_hint = "it is a mapping of services, as in {web: {port: 5000}}"
    name = f"{apps.name}/services.yml"
    document = load_yaml(apps / "services.yml", YamlSource(name, format_hint, ServicesError))
    services: dict[str, Service] = {}
    for name in document:
        service = _service(document, name, apps)
        _refuse_duplicates(service, services, document.section(name))
        services[name] = service
    return services


def _service(document: YamlSection, name: str, apps: Path) -> Service:
    if not re.fullmatch(NAME, name) or len(name) > MAX_NAME_LENGTH or name[-1].isdigit():
        document.refuse(
            f"{name!r} is not a valid service name: use up to {MAX_NAME_LENGTH} small letters,"
            " digits and single hyphens, and end with a letter",
            name,
        )
    if name in COMPONENT_NAMES:
        document.refuse(f"{name} is a component of the stack: use another name", name)
    section = document.section(name)
    section.only(KEYS)
    section.require("port")
    service = Service(name, _port(section), _paths(section, "public"), _paths(section, "internal"))
    folder = apps / service.package
    # The image of the command line has the declarations without the code.
    if (apps / "__init__.py").exists() and not (folder / "__init__.py").exists():
        document.refuse(
            f"there is no apps/{service.package}/__init__.py: add one with create_app()", name
        )
    return replace(service, environment=environment(folder / SETTINGS))


def _port(section: YamlSection) -> int:
    text = section.text("port")
    if not re.fullmatch(r"[0-9]{4}", text) or not MIN_PORT <= int(text) <= MAX_PORT:
        section.refuse(f"port is {text!r}: use {MIN_PORT} to {MAX_PORT}", "port")
    return int(text)


def _paths(section: YamlSection, side: str) -> Sequence[str]:
    paths = section.texts(side)
    for path in paths:
        if not re.fullmatch(PATH, path):
            section.refuse(f"{side} has {path!r}: use a path such as /orders", side)
        if path.split("/")[1].lower() in OPS_PATHS:
            section.refuse(f"{side} has {path!r}, which the load balancer never forwards", side)
    return tuple(paths)


def _refuse_duplicates(new: Service, others: Mapping[str, Service], section: YamlSection) -> None:
    for other in others.values():
        if new.port == other.port:
            section.refuse(f"port {new.port} already belongs to {other.name}", "port")
        for side in ("public", "internal"):
            shared = set(getattr(new, side)) & set(getattr(other, side))
            if shared:
                section.refuse(f"{side} has {min(shared)!r}, which belongs to {other.name}", side)


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
