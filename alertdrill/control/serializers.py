"""The stack as the responder sees it: the services' instances, and what each may grow to. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..runtimes import Instance
from ..settings import MAX_REPLICAS, SERVICES, StackSettings


def serialize_stack(found: Sequence[Instance], settings: StackSettings) -> dict[str, object]:
    """Return the answer to `GET /instances`: the parts of the stack are not in it."""
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
        "floor": settings.floor(service),
        "ceiling": MAX_REPLICAS,
        # Whoever is not meant to serve stands by; whoever is and does not is sick.
        "scale": sum(one.state != "standby" for one in own),
        "heals": heals(service, own),
    }


def heals(service: str, found: Sequence[Instance]) -> bool:
    """Tell whether every instance of a service carries the heal label."""
    own = [one for one in found if one.service == service]
    return bool(own) and all(one.heals for one in own)
