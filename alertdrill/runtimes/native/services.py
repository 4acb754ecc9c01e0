"""Our own programs, under gunicorn: the services with all their instances, and the responder."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from ... import VERSION
from ...settings import CEILING, SERVICES
from . import speed
from .process import LOOPBACK, Process, Site, url

CONFIGURATION = "apps/telemetry/gunicorn_conf.py"
# They drain before they stop, so a stop in a hurry tells them.
DRAINING = (*SERVICES, "responder")


def instances(site: Site, links: Mapping[str, str]) -> list[Process]:
    """Return every instance of every service, up to the ceiling; `links` go on web's page."""
    of_web = {
        "DATA_SERVICE_URL": site.url("lb_internal"),
        "LINKS": ",".join(f"{title}={address}" for title, address in links.items()),
    }
    return [
        _program(
            site,
            f"{service.name}-{number}",
            f"apps.{service.package}:create_app()",
            site.ports.instance(service.name, number),
            {"INTERNAL_URL": site.url("lb_internal"), **(of_web if service.name == "web" else {})},
        )
        for service in SERVICES.values()
        for number in range(1, CEILING + 1)
    ]


def responder(site: Site) -> Process:
    """Return the responder; it has no faults, for it tells of those of the others."""
    environment = {
        "RESPONDER_DB": str(site.layout.data / "responder" / "journal.sqlite"),
        "FAULTS_ENABLED": "0",
        "TRUSTED_PROXIES": "0",
        "RESPONDER_URL": site.url("responder"),
        "WATCHDOG_TIMEOUT": speed.watchdog_timeout(site.settings.speed),
        **_healing(site),
    }
    app = "alerting.responder:create_app()"
    return _program(site, "responder-1", app, site.ports.responder, environment)


def _healing(site: Site) -> dict[str, str]:
    """Return what the responder heals by: whom it asks, with which token, and where it notes it."""
    given = {
        "CONTROL_URL": site.url("control"),
        "CONTROL_TOKEN_FILE": str(site.layout.control_token),
        "RESPONDER_TOKEN_FILE": str(site.layout.responder_token),
        "ALERTMANAGER_URL": site.url("alertmanager"),
        "SPEED": f"{site.settings.speed:g}",
        "HEALING": site.settings.healing,
    }
    if "grafana" in site.programs:
        given["GRAFANA_URL"] = site.url("grafana")
        given["GRAFANA_TOKEN_FILE"] = str(site.layout.grafana_token)
    return given


def _program(site: Site, name: str, app: str, port: int, environment: Mapping[str, str]) -> Process:
    service = name.rpartition("-")[0]
    shared = {
        "SERVICE": service,
        "INSTANCE": name,
        "VERSION": VERSION,
        "HOST": LOOPBACK,
        "PORT": str(port),
        "LOG_LEVEL": site.settings.log_level,
        "TRUSTED_PROXIES": "1",
        "FAULTS_ENABLED": "1" if site.settings.faults_enabled else "0",
        "FAULTS_TOKEN": site.token,
    }
    return Process(
        name=name,
        service=service,
        command=[sys.executable, "-m", "gunicorn", "-c", CONFIGURATION, app],
        port=port,
        ready=f"{url(port)}/readyz",
        # What the runtime sets wins over a service's own settings, as under Docker Compose.
        environment={**_own(service), **shared, **environment},
        job="services",
        scales=service in SERVICES,
    )


def _own(service: str) -> Mapping[str, str]:
    return SERVICES[service].environment if service in SERVICES else {}
