"""Serialize the services' instances and their replica limits for the responder. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..config.services import MAX_REPLICAS, SERVICES
from ..config.settings import StackSettings
from ..runtimes import Instance


def serialize_stack(instances: Sequence[Instance], settings: StackSettings) -> dict[str, object]:
    """Return the response of `GET /instances`; it leaves out the components of the stack."""
    replicas = [instance for instance in instances if instance.service in SERVICES]
    return {
        "instances": [
            {
                "name": instance.name,
                "service": instance.service,
                "state": instance.state,
                "healing_enabled": instance.healing_enabled,
            }
            for instance in replicas
        ],
        "services": {service: _service(service, replicas, settings) for service in SERVICES},
    }


def _service(
    service: str, instances: Sequence[Instance], settings: StackSettings
) -> dict[str, object]:
    replicas = [instance for instance in instances if instance.service == service]
    return {
        "min_replicas": settings.min_replicas(service),
        "max_replicas": MAX_REPLICAS,
        # Standby instances do not count; an unhealthy one does.
        "scale": sum(instance.state != "standby" for instance in replicas),
        "healing_enabled": healing_enabled(service, replicas),
    }


def healing_enabled(service: str, instances: Sequence[Instance]) -> bool:
    """Return whether every instance of a service has the heal label."""
    replicas = [instance for instance in instances if instance.service == service]
    return bool(replicas) and all(instance.healing_enabled for instance in replicas)
