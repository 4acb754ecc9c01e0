"""Our services: those of `apps/services.yml`, and those that other repositories declare."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path

from dotenv import dotenv_values
from pydantic import TypeAdapter

from ..errors import AlertdrillError
from . import ROOT
from .components import COMPONENTS, Component
from .service import DEFAULT_RESPONSE, Declaration, Service
from .service_values import ServiceName
from .yaml_lines import YamlDocument

# From the port of an instance to that of its operations: far above the ports of the other services
# in containers (ten), and natively between those of its service's instances (at most eight) and
# those of the next service.
OPS_OFFSET = 50

# The variable with which `up` passes the services of other repositories to containers, which do not
# see their files.
EXTERNAL_SERVICES = "EXTERNAL_SERVICES"


class ServicesError(AlertdrillError):
    """A declaration of a service is invalid; the message starts with file and line."""


def ops_port(port: int) -> int:
    """Return where an instance listens for operations, if `port` is its port for requests.

    Operations are `/healthz`, `/readyz`, `/metrics` and `/faults`. The rule holds in every runtime.
    """
    return port + OPS_OFFSET


def read_services(apps: Path, files: Sequence[Path] = ()) -> Mapping[str, Service]:
    """Return the services that a folder declares, and those of files of other repositories.

    Raises `ServicesError` if one is invalid.
    """
    services: dict[str, Service] = {}
    documents: dict[str, YamlDocument] = {}
    owners: dict[tuple[str, object], str] = {}
    for file in (apps / "services.yml", *files):
        shown = os.path.relpath(file, ROOT) if file in files else ""
        document = YamlDocument(file, ServicesError, shown)
        for name, declaration in document.parse(dict[ServiceName, Declaration]).items():
            if name in services:
                document.refuse(f"there is a service {name} already", name)
            service = Service(name=name, **declaration.model_dump(exclude_unset=True))
            if file in files:
                service = _from_outside(document, service, file)
            _claim(document, service, owners)
            # The image of the command line has the declarations without the code.
            if (apps / "__init__.py").exists():
                _check_code(document, service, apps.parent)
            services[name], documents[name] = service, document
    for name, service in services.items():
        if unknown := set(service.calls) - services.keys():
            problem = f"calls has {min(unknown)!r}, which is no service"
            documents[name].refuse(problem, name, "calls")
    return services


def _from_outside(document: YamlDocument, service: Service, file: Path) -> Service:
    """Return a service of another repository with the whole path of its folder."""
    if service.image is None and service.path is None:
        document.refuse("path is missing: use the folder of the code, as in path: .", service.name)
    path = service.path and str((file.parent / service.path).resolve())
    return service.model_copy(update={"path": path, "file": str(file)})


def _claim(document: YamlDocument, service: Service, owners: dict[tuple[str, object], str]) -> None:
    """Refuse a service whose port or paths belong to another one."""
    claims = [("port", service.port), *(("internal", path) for path in service.internal)]
    claims += [("public", f"{service.host or ''}{path}") for path in service.public]
    for key, item in claims:
        owner = owners.setdefault((key, item), service.name)
        if owner != service.name:
            document.refuse(f"{key} {item} already belongs to {owner}", service.name, key)


def _check_code(document: YamlDocument, service: Service, root: Path) -> None:
    """Refuse a service without its code, or without a file that it names."""
    if service.image:
        return
    if service.path is None:
        package = f"apps/{service.package}/__init__.py"
        if not service.app and not (root / package).exists():
            document.refuse(f"there is no {package}: add one with create_app()", service.name)
        return
    folder = root / service.path
    if not folder.is_dir():
        document.refuse(f"path {service.path}: there is no folder {folder}", service.name, "path")
    for key in ("requirements", "dockerfile"):
        file = getattr(service, key)
        if file and not (folder / file).is_file():
            document.refuse(f"there is no file {file} in {service.path}", service.name, key)


def external_files() -> Sequence[Path]:
    """Return the files of SERVICES_FILES, of the environment or `.env`, as absolute paths."""
    variables = {**dotenv_values(ROOT / ".env", interpolate=False), **os.environ}
    names = (variables.get("SERVICES_FILES") or "").split(":")
    return [ROOT / name.strip() for name in names if name.strip()]


def pass_on(services: Mapping[str, Service]) -> str:
    """Return the services of other repositories as the value of EXTERNAL_SERVICES."""
    external = {name: service for name, service in services.items() if service.file}
    return TypeAdapter(dict[str, Service]).dump_json(external, exclude_unset=True).decode()


def digest_of(services: Mapping[str, Service]) -> str:
    """Return a digest of the declarations of services."""
    text = TypeAdapter(dict[str, Service]).dump_json(dict(services))
    return hashlib.sha256(text).hexdigest()[:16]


def _passed_on(text: str) -> Mapping[str, Service]:
    return TypeAdapter(dict[str, Service]).validate_json(text)


def own_services(services: Mapping[str, Service]) -> Mapping[str, Service]:
    """Return the services of apps/services.yml, from which committed files follow."""
    return {name: service for name, service in services.items() if service.file is None}


class _DeclaredServices(Mapping[str, Service]):
    """The services of apps/services.yml and of SERVICES_FILES; the first use reads the files."""

    @cached_property
    def _services(self) -> Mapping[str, Service]:
        services = read_services(ROOT / "apps", external_files())
        return {**services, **_passed_on(os.environ.get(EXTERNAL_SERVICES, "{}"))}

    def __getitem__(self, name: str) -> Service:
        return self._services[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._services)

    def __len__(self) -> int:
        return len(self._services)


SERVICES: Mapping[str, Service] = _DeclaredServices()


def longest_response(services: Mapping[str, Service]) -> float:
    """Return the longest time that the load balancer waits for an answer, in seconds."""
    return max((service.limits.response for service in services.values()), default=DEFAULT_RESPONSE)


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
