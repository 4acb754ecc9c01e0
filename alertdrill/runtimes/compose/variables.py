"""The variables of `docker-compose.yml`, from the settings of a stack. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from ...config.services import SERVICES
from ...config.settings import StackSettings, digest_variable, own_images
from ..native.speed import watchdog_timeout

# Containers listen on the ports of docker-compose.yml; the host publishes these.
PUBLISHED = (
    "lb",
    "lb_stats",
    "prometheus",
    "alertmanager",
    "responder",
    "grafana",
    "loki",
    "locust",
)
# Turns off the responder's annotations if Grafana is missing.
NO_GRAFANA = {"GRAFANA_INTERNAL_URL": ""}


def from_settings(settings: StackSettings) -> Mapping[str, str]:
    """Return every variable that the settings determine."""
    ports = {f"{name.upper()}_PORT": str(getattr(settings.ports, name)) for name in PUBLISHED}
    versions = {
        f"{name.upper()}_VERSION": version for name, version in asdict(settings.versions).items()
    }
    replicas = {
        f"{name.upper()}_REPLICAS": str(count) for name, count in asdict(settings.replicas).items()
    }
    digests = {digest_variable(name): settings.digests.get(name, "") for name in own_images()}
    return {
        **ports,
        **versions,
        "REGISTRY": settings.registry,
        **digests,
        **replicas,
        "COMPOSE_PROJECT_NAME": settings.project,
        "DOCKER_ROOT": settings.docker_root,
        "DOCKER_SOCKET": settings.docker_socket,
        "GRAFANA_PASSWORD": settings.grafana_password,
        "LB_ADDRESS": settings.lb_address,
        **_service_variables(settings),
        "HEALING": settings.healing,
        **({} if settings.replicas.grafana else NO_GRAFANA),
        "FAULTS_ENABLED": "1" if settings.faults_enabled else "0",
        "LOG_LEVEL": settings.log_level,
        "PROMETHEUS_RETENTION": settings.retention,
        "PROMETHEUS_RETENTION_SIZE": settings.retention_size,
        "SPEED": f"{settings.speed:g}",
        "WATCHDOG_TIMEOUT": watchdog_timeout(settings.speed),
    }


def _service_variables(settings: StackSettings) -> Mapping[str, str]:
    min_replicas = {
        f"{service.variable}_INSTANCES": str(settings.min_replicas(name))
        for name, service in SERVICES.items()
    }
    healing_enabled = {
        f"HEAL_{service.variable}": "1" if settings.healing_enabled(name) else "0"
        for name, service in SERVICES.items()
    }
    return {**min_replicas, **healing_enabled}
