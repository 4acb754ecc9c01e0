"""Addresses of the components: published ports on the host, names on the internal networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from ...config.services import all_components
from ...config.settings import StackSettings
from ..errors import UnknownTargetError
from .docker_client import Container

LOOPBACK = "127.0.0.1"


class HostEndpoints:
    """The addresses from the host, which reaches published ports only."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings

    def address(self, component: str) -> str:
        """Return the URL of a component."""
        port = _port(self._settings, component)
        if port is None:
            raise UnknownTargetError(f"{component!r} has no published port: see `make status`.")
        return f"http://{LOOPBACK}:{port}"

    def instance_address(self, container: Container) -> str:
        """Return the address of an instance; its container's name if it is not published."""
        component = all_components().get(container.service)
        port = _port(self._settings, container.service)
        if port is not None:
            return f"{LOOPBACK}:{port}"
        return (
            f"{container.name}:{component.port}" if component and component.port else container.name
        )

    def user_urls(self, running: Sequence[str]) -> Mapping[str, str]:
        """Return the user-facing URLs of the running services, by title."""
        everywhere = self._settings.lb_address == "0.0.0.0"  # noqa: S104 - compared, not bound
        public = LOOPBACK if everywhere else self._settings.lb_address
        shown = {
            "Services": f"http://{public}:{self._settings.ports.lb}/",
            "Load balancer": f"{self.address('lb-stats')}/",
        }
        for component in ("prometheus", "alertmanager", "responder", "grafana", "loki"):
            if component in running:
                end = "/ready" if component == "loki" else "/"
                shown[component.capitalize()] = f"{self.address(component)}{end}"
        return shown


class NetworkEndpoints:
    """The addresses on the internal networks, where every container has a name."""

    def __init__(self, settings: StackSettings) -> None:
        self._project = settings.project
        self._published = {
            f"{LOOPBACK}:{port}": name
            for name in all_components()
            if (port := _port(settings, name)) is not None
        }

    def address(self, component: str) -> str:
        """Return the URL of a component."""
        service, port = {"lb": ("lb", 8080), "lb-stats": ("lb", 8404)}.get(
            component, (component, 0)
        )
        if service not in all_components():
            raise UnknownTargetError(f"no component named {component!r}: see `make status`.")
        host = all_components()[service].alias or f"{self._project}-{service}-1"
        return f"http://{host}:{port or all_components()[service].port}"

    def instance_address(self, container: Container) -> str:
        """Return the address of an instance."""
        component = all_components().get(container.service)
        host = container.name
        if component and component.alias and component.replicas == 1:
            host = component.alias
        return f"{host}:{component.port}" if component and component.port else host

    def resolve_url(self, link: str) -> str:
        """Return a user-facing link with its published port replaced by the container's name."""
        url = urlsplit(link)
        component = self._published.get(url.netloc)
        return f"{self.address(component)}{url.path}" if component else link

    def user_urls(self, running: Sequence[str]) -> Mapping[str, str]:
        """Return the URL of the services on the internal networks."""
        del running
        return {"Services": f"{self.address('lb')}/"}


def _port(settings: StackSettings, component: str) -> int | None:
    if component in ("lb", "lb-stats", "lb_stats"):
        return settings.ports.lb if component == "lb" else settings.ports.lb_stats
    entry = all_components().get(component)
    return getattr(settings.ports, entry.setting) if entry and entry.published else None
