"""Our services, as `apps/services.yml` declares them; docs/how-to/add-a-service.md explains it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .errors import AlertdrillError
from .yaml_reader import YamlSection, YamlSource, load_yaml

# Each has a hundred ports natively; ten of them still leave room for an ephemeral stack beside it.
MIN_PORT, MAX_PORT = 5000, 5009
KEYS = ("port", "public", "internal")
NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
# A hostname holds 63 characters, of which the project and the number take their share.
MAX_NAME_LENGTH = 30
PATH = r"(/[A-Za-z0-9._~-]+)+"
# Operations endpoints, which the load balancer never forwards to.
OPS_PATHS = ("healthz", "readyz", "metrics", "faults")
# The parts of the stack: a test holds it against docker-compose.yml.
COMPONENT_NAMES = (
    *("alertmanager", "blackbox-exporter", "collector", "control", "docker-proxy", "drills"),
    *("drills-proxy", "grafana", "grafana-token", "init-config", "lb", "locust-master"),
    *("locust-worker", "loki", "node-exporter", "prometheus", "pushgateway", "responder"),
    *("restarter", "test"),
)
# A service's own settings, beside its code. Docker Compose reads the same file, and takes quotes,
# dollars and backslashes for something else than themselves.
SETTINGS = "settings.env"
WORD = r"[^\s\"'$#\\\ud800-\udfff]+"
LINE = rf"(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>{WORD}( {WORD})*|)"


class ServicesError(AlertdrillError):
    """A declaration of a service is invalid; the text begins with file and line."""


@dataclass(frozen=True)
class Service:
    """A service: where it listens, and what the load balancer sends it.

    `public` are the paths that clients ask it for, `internal` those that other services do, each
    with everything below it; `environment` are its own settings.
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
        """What the names of its variables in `.env` are made of."""
        return self.package.upper()

    @property
    def offset(self) -> int:
        """How far above INSTANCES_PORT its instances begin natively."""
        return (self.port - MIN_PORT + 1) * 100


def read_services(apps: Path) -> Mapping[str, Service]:
    """Return the services that are declared in a folder; raise `ServicesError` for a mistake."""
    what = "it is a mapping of services, as in {web: {port: 5000}}"
    name = f"{apps.name}/services.yml"
    found = load_yaml(apps / "services.yml", YamlSource(name, what, ServicesError))
    services: dict[str, Service] = {}
    for name in found:
        service = _service(found, name, apps)
        _refuse_twice(service, services, found.section(name))
        services[name] = service
    return services


def _service(found: YamlSection, name: str, apps: Path) -> Service:
    if not re.fullmatch(NAME, name) or len(name) > MAX_NAME_LENGTH or name[-1].isdigit():
        found.refuse(
            f"{name!r} is not a valid service name: use up to {MAX_NAME_LENGTH} small letters,"
            " digits and single hyphens, and end with a letter",
            name,
        )
    if name in COMPONENT_NAMES:
        found.refuse(f"{name} is a component of the stack: use another name", name)
    section = found.section(name)
    section.only(KEYS)
    section.require("port")
    made = Service(name, _port(section), _paths(section, "public"), _paths(section, "internal"))
    folder = apps / made.package
    # The command line's own image has the declarations and not the code.
    if (apps / "__init__.py").exists() and not (folder / "__init__.py").exists():
        found.refuse(f"there is no apps/{made.package}/__init__.py with its create_app()", name)
    return replace(made, environment=environment(folder / SETTINGS))


def _port(section: YamlSection) -> int:
    text = section.text("port")
    if not re.fullmatch(r"[0-9]{4}", text) or not MIN_PORT <= int(text) <= MAX_PORT:
        section.refuse(f"port is {text!r}: it takes {MIN_PORT} to {MAX_PORT}", "port")
    return int(text)


def _paths(section: YamlSection, side: str) -> Sequence[str]:
    paths = section.texts(side)
    for path in paths:
        if not re.fullmatch(PATH, path):
            section.refuse(f"{side} has {path!r}: it takes paths such as /orders", side)
        if path.split("/")[1].lower() in OPS_PATHS:
            section.refuse(f"{side} has {path!r}, which the load balancer never forwards", side)
    return tuple(paths)


def _refuse_twice(new: Service, others: Mapping[str, Service], section: YamlSection) -> None:
    for other in others.values():
        if new.port == other.port:
            section.refuse(f"port {new.port} already belongs to {other.name}", "port")
        for side in ("public", "internal"):
            both = set(getattr(new, side)) & set(getattr(other, side))
            if both:
                section.refuse(f"{side} has {min(both)!r}, which {other.name} has already", side)


def environment(file: Path) -> Mapping[str, str]:
    """Return a service's own settings, none where there is no file; raise `ServicesError`."""
    found: dict[str, str] = {}
    # What is no UTF-8 matches nothing, and is refused with its line.
    text = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(LINE, line)
        if match is None:
            raise ServicesError(
                f"{file.parent.name}/{file.name}:{number}: a line is NAME=VALUE, the value without"
                " quotes, $, #, \\ and outer spaces."
            )
        found[match["name"]] = match["value"]
    return found
