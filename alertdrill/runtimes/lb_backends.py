"""What the load balancer reads beside lb/haproxy.cfg: where the instances are, and what is whose.

The runtime writes it for the services of `apps/services.yml`, with the addresses that it knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from ..settings import ROOT, SERVICES

BACKEND_TEMPLATE = ROOT / "lb" / "backend.cfg"
# A backend for each service; and for each side of the load balancer, which paths are whose.
BACKENDS_FILE = "backends.cfg"
SIDES = ("public", "internal")


def render(addresses: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Return the files by name; `addresses` has those of a service's instances, by their names."""
    pattern = Template(BACKEND_TEMPLATE.read_text(encoding="utf-8"))
    backends = [
        pattern.substitute(service=service, servers=_servers(found))
        for service, found in addresses.items()
    ]
    return {BACKENDS_FILE: "".join(backends), **{f"{side}.map": _paths(side) for side in SIDES}}


def _servers(found: Mapping[str, str]) -> str:
    return "\n".join(f"    server {name} {address}" for name, address in found.items())


def _paths(side: str) -> str:
    """Return which path is whose, each with a slash at its end: `/orders` is not `/ordersheet`."""
    lines = ["# Each path, and the service that it belongs to with everything below it."]
    for service in SERVICES.values():
        lines += [f"{path}/ {service.name}" for path in getattr(service, side)]
    return "\n".join(lines) + "\n"
