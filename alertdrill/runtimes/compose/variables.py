"""The variables of `docker-compose.yml` and its overlay, from the settings of a stack. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ...config.services import SERVICES
from ...config.settings import StackSettings, digest_variable, own_images
from ..speed import loki_flags, prometheus_flags, timeout_offset, watchdog_timeout

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


def settings_variables(settings: StackSettings) -> Mapping[str, str]:
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


def render_overlay(settings: StackSettings, model: Mapping[str, Any]) -> str | None:
    """Return an overlay for Compose; None if the stack needs no changes.

    `model` is the resolved file: {"services": {name: {"command": [...]}}}.
    """
    if settings.speed == 1 and not settings.ephemeral:
        return None
    services = model["services"]
    # Allows an ephemeral stack to backfill and delete series; other stacks forbid it.
    admin = ["--web.enable-admin-api"] if settings.ephemeral else []
    blackbox = services["blackbox-exporter"]["command"]
    prometheus = [*prometheus_flags(settings.speed), *admin]
    offset = [f"--timeout-offset={timeout_offset(settings.speed)}"]
    changed = {
        "prometheus": {"command": merge_flags(services["prometheus"]["command"], prometheus)},
        "loki": {"command": merge_flags(services["loki"]["command"], loki_flags(settings.speed))},
        "blackbox-exporter": {"command": merge_flags(blackbox, offset)},
    }
    # JSON is valid YAML. Compose would read a single dollar as a variable.
    return json.dumps({"services": changed}, indent=2).replace("$", "$$") + "\n"


def merge_flags(command: Sequence[str], flags: Sequence[str]) -> list[str]:
    """Return a command with `flags`, which replace flags of the same name."""
    names = {flag.partition("=")[0] for flag in flags}
    return [*(part for part in command if part.partition("=")[0] not in names), *flags]
