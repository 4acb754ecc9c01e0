"""Where the parts are: on the host by their published ports, on the inner networks by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from ...settings import StackSettings
from .components import COMPONENTS
from .engine import Container
from .errors import UnknownTargetError

LOOPBACK = "127.0.0.1"


class HostEndpoints:
    """The host, where only what is published can be reached."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings

    def address(self, part: str) -> str:
        """Return the URL of a part."""
        port = _port(self._settings, part)
        if port is None:
            raise UnknownTargetError(f"{part!r} can't be reached from the host: see `make status`.")
        return f"http://{LOOPBACK}:{port}"

    def instance_address(self, container: Container) -> str:
        """Return where an instance listens; by its name inside where it is not published."""
        part = COMPONENTS.get(container.service)
        port = _port(self._settings, container.service)
        if port is not None:
            return f"{LOOPBACK}:{port}"
        return f"{container.name}:{part.port}" if part and part.port else container.name

    def resolve_url(self, link: str) -> str:
        """Return a link as it is: it is one for people on this host."""
        return link

    def user_urls(self, running: Sequence[str]) -> Mapping[str, str]:
        """Return the URLs for people, by title, of the services that run."""
        everywhere = self._settings.lb_address == "0.0.0.0"  # noqa: S104 - compared, not bound
        public = LOOPBACK if everywhere else self._settings.lb_address
        shown = {
            "Services": f"http://{public}:{self._settings.ports.lb}/",
            "Load balancer": f"{self.address('lb-stats')}/",
        }
        for part in ("prometheus", "alertmanager", "responder", "grafana", "loki"):
            if part in running:
                end = "/ready" if part == "loki" else "/"
                shown[part.capitalize()] = f"{self.address(part)}{end}"
        return shown


class NetworkEndpoints:
    """The inner networks, where every container has a name."""

    def __init__(self, settings: StackSettings) -> None:
        self._project = settings.project
        self._published = {
            f"{LOOPBACK}:{port}": name
            for name in COMPONENTS
            if (port := _port(settings, name)) is not None
        }

    def address(self, part: str) -> str:
        """Return the URL of a part."""
        service, port = {"lb": ("lb", 8080), "lb-stats": ("lb", 8404)}.get(part, (part, 0))
        if service not in COMPONENTS:
            raise UnknownTargetError(f"There is no part {part!r}: see `make status`.")
        host = COMPONENTS[service].alias or f"{self._project}-{service}-1"
        return f"http://{host}:{port or COMPONENTS[service].port}"

    def instance_address(self, container: Container) -> str:
        """Return where an instance listens."""
        part = COMPONENTS.get(container.service)
        host = part.alias if part and part.alias else container.name
        return f"{host}:{part.port}" if part and part.port else host

    def resolve_url(self, link: str) -> str:
        """Return a link for people with the part's name inside in the place of its port."""
        parts = urlsplit(link)
        part = self._published.get(parts.netloc)
        return f"{self.address(part)}{parts.path}" if part else link

    def user_urls(self, running: Sequence[str]) -> Mapping[str, str]:
        """Return the URLs of the services that run, as they are inside."""
        del running
        return {"Services": f"{self.address('lb')}/"}


def _port(settings: StackSettings, part: str) -> int | None:
    if part in ("lb", "lb-stats", "lb_stats"):
        return settings.ports.lb if part == "lb" else settings.ports.lb_stats
    published = COMPONENTS[part].published if part in COMPONENTS else None
    return getattr(settings.ports, published) if published else None
