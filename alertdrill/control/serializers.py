"""Serialize the services' instances and their replica limits for the responder. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..runtimes import Instance
from ..settings import MAX_REPLICAS, SERVICES, StackSettings


def serialize_stack(found: Sequence[Instance], settings: StackSettings) -> dict[str, object]:
    """Return the response of `GET /instances`; it leaves out the components of the stack."""
    ours = [one for one in found if one.service in SERVICES]
    return {
        "instances": [
            {"name": one.name, "service": one.service, "state": one.state, "heals": one.heals}
            for one in ours
        ],
        "services": {service: _service(service, ours, settings) for service in SERVICES},
    }


def _service(service: str, ours: Sequence[Instance], settings: StackSettings) -> dict[str, object]:
    own = [one for one in ours if one.service == service]
    return {
        "min_replicas": settings.min_replicas(service),
        "max_replicas": MAX_REPLICAS,
        # Standby instances do not count; an unhealthy one does.
        "scale": sum(one.state != "standby" for one in own),
        "heals": heals(service, own),
    }


def heals(service: str, found: Sequence[Instance]) -> bool:
    """Return whether every instance of a service has the heal label."""
    own = [one for one in found if one.service == service]
    return bool(own) and all(one.heals for one in own)
