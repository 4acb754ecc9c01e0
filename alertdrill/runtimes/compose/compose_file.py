"""What Docker Compose needs of each service of `apps/services.yml`, beyond that file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from ...services import Service, ServicesError
from ...settings import SERVICES
from .components import REPLICA_SLOTS

# They count the instances that there must be, so each is told how many.
NEEDS_REPLICA_COUNTS = ("init-config", "control")
PAGE = "docs/how-to/add-a-service.md shows what it takes"


def check_services(model: Mapping[str, Any]) -> None:
    """Raise `ServicesError` for a service that docker-compose.yml does not have as declared.

    `model` is the file as Compose reads it: {"services": {name: {"environment": {...}}}}.
    """
    for service in SERVICES.values():
        reason = _reason(service, model["services"])
        if reason:
            raise ServicesError(f"docker-compose.yml {reason}: {PAGE}.")


def _reason(service: Service, found: Mapping[str, Any]) -> str:
    own, port = found.get(service.name), str(service.port)
    if own is None:
        return f"has no service {service.name}, which apps/services.yml has"
    given = own.get("environment", {})
    if given.get("SERVICE") != service.name or given.get("PORT") != port:
        return f"does not give {service.name} SERVICE={service.name} and PORT={port}"
    if "alertdrill.heal" not in own.get("labels", {}):
        return f"does not say by the label alertdrill.heal whether {service.name} heals"
    variable = f"{service.variable}_INSTANCES"
    missing = [name for name in NEEDS_REPLICA_COUNTS if variable not in found[name]["environment"]]
    return f"does not give {variable} to {' and '.join(missing)}" if missing else ""


def render_scrape_config(text: str) -> str:
    """Return prometheus/scrape/compose.yml with a list of names for every service.

    The file has that of one of them, which is the pattern.
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
    """Return the containers that a service may have, and the instance that each is."""
    return {
        f"{project}-{service.name}-{number}": f"{service.name}-{number}"
        for number in range(1, REPLICA_SLOTS + 1)
    }
