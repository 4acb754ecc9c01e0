"""The services in docker-compose.yml: check their declarations, list their containers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from ...config.services import SERVICES, Service, ServicesError

# The number of replicas of a service that the load balancer and Prometheus look up by name.
REPLICA_SLOTS = 8
# These need the replica count of every service.
NEEDS_REPLICA_COUNTS = ("init-config", "control")
PAGE = "docs/how-to/add-a-service.md shows how to add it"


def check_services(model: Mapping[str, Any]) -> None:
    """Raise `ServicesError` for a service that docker-compose.yml lacks or declares differently.

    `model` is the resolved file: {"services": {name: {"environment": {...}}}}.
    """
    for service in SERVICES.values():
        reason = _reason(service, model["services"])
        if reason:
            raise ServicesError(f"docker-compose.yml {reason}: {PAGE}.")


def _reason(service: Service, services: Mapping[str, Any]) -> str:
    declaration, port = services.get(service.name), str(service.port)
    if declaration is None:
        return f"has no service {service.name}, which apps/services.yml has"
    environment = declaration.get("environment", {})
    if environment.get("SERVICE") != service.name or environment.get("PORT") != port:
        return f"does not give {service.name} SERVICE={service.name} and PORT={port}"
    if "alertdrill.heal" not in declaration.get("labels", {}):
        return f"has no label alertdrill.heal for {service.name}"
    variable = f"{service.variable}_INSTANCES"
    missing = [
        name for name in NEEDS_REPLICA_COUNTS if variable not in services[name]["environment"]
    ]
    return f"does not give {variable} to {' and '.join(missing)}" if missing else ""


def render_scrape_config(text: str) -> str:
    """Return prometheus/scrape/compose.yml with the container names of every service.

    The file has the names of one service, as the template of the others.
    """
    document = yaml.safe_load(text)
    job = next(job for job in document["scrape_configs"] if job["job_name"] == "services")
    (pattern,) = job["dns_sd_configs"]
    job["dns_sd_configs"] = [
        {**pattern, "names": list(container_names(service)), "port": service.port}
        for service in SERVICES.values()
    ]
    return yaml.safe_dump(document, sort_keys=False, width=100)


def container_names(service: Service, project: str = "alertdrill") -> Mapping[str, str]:
    """Return {container: instance} for every possible replica of a service."""
    return {
        f"{project}-{service.name}-{number}": f"{service.name}-{number}"
        for number in range(1, REPLICA_SLOTS + 1)
    }
