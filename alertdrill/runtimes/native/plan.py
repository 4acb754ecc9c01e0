"""The processes of a native stack: our own, under gunicorn, and the components. Pure."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

from ... import VERSION
from ...config.services import MAX_REPLICAS, SERVICES
from ...config.settings import StackSettings
from ...toolchain.cache import default_cache
from .. import speed
from .components import components
from .processes import LOOPBACK, Plan, Process, RenderContext, url

CONFIGURATION = "apps/telemetry/gunicorn_conf.py"
CONTROL_CONFIGURATION = "alertdrill/control/gunicorn_conf.py"
# Settings of containers only: a change of them does not change a native stack.
CONTAINER_SETTINGS = (
    "project",
    "versions",
    "replicas",
    "docker_root",
    "docker_socket",
    "grafana_password",
)


def make_plan(context: RenderContext) -> Plan:
    """Return the processes for the installed programs."""
    shown = addresses(context)
    return Plan(
        [
            *instances(context, shown),
            responder(context),
            control(context),
            *components(context),
        ],
        shown,
    )


def addresses(context: RenderContext) -> dict[str, str]:
    """Return the URLs of everything that runs and has a page."""
    # A wildcard address includes the loopback, which a link can use.
    everywhere = context.settings.lb_address == "0.0.0.0"  # noqa: S104 - compared, not bound
    public = LOOPBACK if everywhere else context.settings.lb_address
    shown = {
        "Services": f"http://{public}:{context.ports.lb}/",
        "Load balancer": f"{context.url('lb_stats')}/",
        "Prometheus": f"{context.url('prometheus')}/{_start_page(context)}",
        "Alertmanager": f"{context.url('alertmanager')}/",
        "Responder": f"{context.url('responder')}/",
    }
    if "grafana" in context.programs:
        shown["Grafana"] = f"{context.url('grafana')}/"
    if "loki" in context.programs:
        shown["Loki"] = f"{context.url('loki')}/ready"
    return shown


def _start_page(context: RenderContext) -> str:
    """Return the start page of Prometheus; a distribution's package has only our console."""
    return "consoles/index.html" if context.programs["prometheus"].origin == "cache" else ""


def instances(context: RenderContext, links: Mapping[str, str]) -> list[Process]:
    """Return every possible instance of every service; a page may show the `links`."""
    internal = context.url("lb_internal")
    shown = ",".join(f"{title}={address}" for title, address in links.items())
    return [
        _program(
            context,
            f"{service.name}-{number}",
            f"apps.{service.package}:create_app()",
            context.ports.instance(service.name, number),
            {
                "INTERNAL_URL": internal,
                "LINKS": shown,
                **{f"{name.upper().replace('-', '_')}_URL": internal for name in service.calls},
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
    return {
        "CONTROL_URL": context.url("control"),
        "CONTROL_TOKEN_FILE": str(context.layout.control_token),
        "RESPONDER_TOKEN_FILE": str(context.layout.responder_token),
        "ALERTMANAGER_URL": context.url("alertmanager"),
        "SPEED": f"{context.settings.speed:g}",
        "HEALING": context.settings.healing,
    }


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


def control(context: RenderContext) -> Process:
    """Return the control API's process."""
    environment = {
        "INSTANCE": "control-1",
        "VERSION": VERSION,
        "HOST": LOOPBACK,
        "PORT": str(context.ports.control),
        "LOG_LEVEL": context.settings.log_level,
        "CONTROL_TOKEN_FILE": str(context.layout.control_token),
        "CONTROL_STACK": str(context.layout.stack),
    }
    return Process(
        name="control-1",
        service="control",
        command=[
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            CONTROL_CONFIGURATION,
            "alertdrill.control.app:serve()",
        ],
        port=context.ports.control,
        ready=f"{url(context.ports.control)}/healthz",
        environment=environment,
    )


def stack_file(settings: StackSettings) -> str:
    """Return the stack's settings as the text of the file that the control API reads."""
    defaults = StackSettings(home=Path())
    unused = {item.name: getattr(defaults, item.name) for item in fields(settings)}
    return replace(
        settings,
        runtime="native",
        # The control API has no home folder to derive the default from.
        cache=settings.cache or default_cache(os.environ),
        **{name: unused[name] for name in CONTAINER_SETTINGS},
    ).to_json()
