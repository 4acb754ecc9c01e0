"""Addresses of the components: published ports on the host, names on the internal networks."""

from __future__ import annotations

from urllib.parse import urlsplit

from ...config.services import all_components
from ...config.settings import StackSettings
from ..errors import UnknownTargetError

LOOPBACK = "127.0.0.1"
# The load balancer listens for clients and for its statistics.
LB_PORTS = {"lb": 8080, "lb-stats": 8404}


def published_port(settings: StackSettings, component: str) -> int | None:
    """Return the port of the host on which a component is published; None if it is not."""
    if component in LB_PORTS:
        return settings.ports.lb if component == "lb" else settings.ports.lb_stats
    entry = all_components().get(component)
    return getattr(settings.ports, entry.setting) if entry and entry.published else None


def host_url(settings: StackSettings, component: str) -> str:
    """Return the URL of a component for the host, which reaches published ports only."""
    port = published_port(settings, component)
    if port is None:
        raise UnknownTargetError(f"{component!r} has no published port: see `make status`.")
    return f"http://{LOOPBACK}:{port}"


def network_url(project: str, component: str) -> str:
    """Return the URL of a component for containers, which reach each other by name."""
    service = "lb" if component in LB_PORTS else component
    entry = all_components().get(service)
    if entry is None:
        raise UnknownTargetError(f"no component named {component!r}: see `make status`.")
    host = entry.alias or f"{project}-{service}-1"
    return f"http://{host}:{LB_PORTS.get(component, entry.port)}"


def resolve_link(settings: StackSettings, link: str) -> str:
    """Return a user-facing link with its published port replaced by the container's name."""
    url = urlsplit(link)
    for component in all_components():
        port = published_port(settings, component)
        if port is not None and url.netloc == f"{LOOPBACK}:{port}":
            return f"{network_url(settings.project, component)}{url.path}"
    return link
