"""Generate the load balancer's files beside lb/haproxy.cfg: backends and path maps.

The runtime writes them for the services of `apps/services.yml`, with their addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from ..config import ROOT
from ..config.services import SERVICES

BACKEND_TEMPLATE = ROOT / "lb" / "backend.cfg"
# One backend for each service; and for each frontend, a map from path to service.
BACKENDS_FILE = "backends.cfg"
FRONTENDS = ("public", "internal")


def render(addresses: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Return the files' text by name; `addresses` is {service: {instance: host:port}}."""
    pattern = Template(BACKEND_TEMPLATE.read_text(encoding="utf-8"))
    backends = [
        pattern.substitute(service=service, servers=_servers(instances))
        for service, instances in addresses.items()
    ]
    maps = {f"{frontend}.map": _paths(frontend) for frontend in FRONTENDS}
    return {BACKENDS_FILE: "".join(backends), **maps}


def _servers(instances: Mapping[str, str]) -> str:
    return "\n".join(f"    server {name} {address}" for name, address in instances.items())


def _paths(frontend: str) -> str:
    """Return the path map of a frontend; a trailing slash keeps `/orders` from `/ordersheet`."""
    lines = ["# Each path, and the service that receives it and everything below it."]
    for service in SERVICES.values():
        lines += [f"{path}/ {service.name}" for path in getattr(service, frontend)]
    return "\n".join(lines) + "\n"
