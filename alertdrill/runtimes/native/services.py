"""Our own processes, under gunicorn: the services' instances and the responder."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from ... import VERSION
from ...config.services import MAX_REPLICAS, SERVICES
from . import speed
from .process_spec import LOOPBACK, Process, RenderContext, url

CONFIGURATION = "apps/telemetry/gunicorn_conf.py"


def instances(context: RenderContext, links: Mapping[str, str]) -> list[Process]:
    """Return every possible instance of every service; web's page shows the `links`."""
    of_web = {
        "DATA_SERVICE_URL": context.url("lb_internal"),
        "LINKS": ",".join(f"{title}={address}" for title, address in links.items()),
    }
    return [
        _program(
            context,
            f"{service.name}-{number}",
            f"apps.{service.package}:create_app()",
            context.ports.instance(service.name, number),
            {
                "INTERNAL_URL": context.url("lb_internal"),
                **(of_web if service.name == "web" else {}),
            },
        )
        for service in SERVICES.values()
        for number in range(1, MAX_REPLICAS + 1)
    ]


def responder(context: RenderContext) -> Process:
    """Return the responder; it has no faults of its own, since it reports those of others."""
    environment = {
        "RESPONDER_DB": str(context.layout.data / "responder" / "responder.sqlite"),
        "FAULTS_ENABLED": "0",
        "TRUSTED_PROXIES": "0",
        "RESPONDER_URL": context.url("responder"),
        "WATCHDOG_TIMEOUT": speed.watchdog_timeout(context.settings.speed),
        **_healing(context),
    }
    app = "alerting.responder:create_app()"
    return _program(context, "responder-1", app, context.ports.responder, environment)


def _healing(context: RenderContext) -> dict[str, str]:
    """Return the responder's variables for healing: the APIs that it uses, and their tokens."""
    variables = {
        "CONTROL_URL": context.url("control"),
        "CONTROL_TOKEN_FILE": str(context.layout.control_token),
        "RESPONDER_TOKEN_FILE": str(context.layout.responder_token),
        "ALERTMANAGER_URL": context.url("alertmanager"),
        "SPEED": f"{context.settings.speed:g}",
        "HEALING": context.settings.healing,
    }
    if "grafana" in context.programs:
        variables["GRAFANA_URL"] = context.url("grafana")
        variables["GRAFANA_TOKEN_FILE"] = str(context.layout.grafana_token)
    return variables


def _program(
    context: RenderContext, name: str, app: str, port: int, environment: Mapping[str, str]
) -> Process:
    service = name.rpartition("-")[0]
    shared = {
        "SERVICE": service,
        "INSTANCE": name,
        "VERSION": VERSION,
        "HOST": LOOPBACK,
        "PORT": str(port),
        "LOG_LEVEL": context.settings.log_level,
        "TRUSTED_PROXIES": "1",
        "FAULTS_ENABLED": "1" if context.settings.faults_enabled else "0",
        "FAULTS_TOKEN": context.token,
    }
    return Process(
        name=name,
        service=service,
        command=[sys.executable, "-m", "gunicorn", "-c", CONFIGURATION, app],
        port=port,
        ready=f"{url(port)}/readyz",
        # The runtime's values override a service's own settings, as in Docker Compose.
        environment={**_service_environment(service), **shared, **environment},
        job="services",
        scales=service in SERVICES,
    )


def _service_environment(service: str) -> Mapping[str, str]:
    return SERVICES[service].environment if service in SERVICES else {}
