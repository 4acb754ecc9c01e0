"""Generate secrets and configurations for this project before anything else starts.

It runs in a container of its own, so that `docker compose up` needs no preparation. It fills the
volumes that the other containers read: with the committed files, rendered at this stack's speed,
and with the generated ones.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ...config import ROOT
from ...config.components import COMPONENTS
from ...config.services import MAX_REPLICAS, MIN_REPLICAS, SERVICES, all_components
from ...config.settings import RANDOM
from ...timescale.render import expression_scaler, render
from .. import lb_config
from . import services

# The project's name in prometheus/scrape/compose.yml.
PROJECT_PREFIX = "alertdrill-"
# The configurations of Prometheus, Alertmanager, Loki and the load balancer.
ETC = Path("/etc/alertdrill")
FAULTS_TOKEN = Path("/run/secrets/faults/token")
CONTROL_TOKEN = Path("/run/secrets/control/token")
RESPONDER_TOKEN = Path("/run/secrets/responder/token")
GRAFANA_PASSWORD = Path("/run/secrets/grafana/password")
# Not generated here: Grafana issues it.
GRAFANA_TOKEN = Path("/run/secrets/grafana-token/token")

# Configuration files below ETC, and the committed file or folder of each.
SOURCES = {
    "prometheus/prometheus.yml": "prometheus/prometheus.yml",
    "prometheus/rules": "prometheus/rules",
    "prometheus/scrape.d/compose.yml": "prometheus/scrape/compose.yml",
    "alertmanager/alertmanager.yml": "alerting/alertmanager.yml",
    # Loki calls its only tenant `fake`.
    "loki/rules/fake": "loki/rules",
    "loki/overrides.yml": "loki/overrides.yml",
}
# Folders for extra files, which a drill adds and removes.
DROP_IN_FOLDERS = ("prometheus/rules.d", "prometheus/scrape.d")
# Programs that reload their files by themselves, and that a SIGHUP would end.
SELF_RELOADING = ("loki",)
WEBHOOK_URL_FILE = "alertmanager/webhook_url"
# The replica count of each service. In a folder of its own, which the control API and drills
# can write to as other users.
REPLICAS_FILE = "scale/scale.json"


@dataclass(frozen=True)
class RenderContext:
    """One project: its name, its speed, and the replica count of each service."""

    project: str
    speed: float
    replicas: Mapping[str, int]
    etc: Path = ETC

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> RenderContext:
        """Read the variables of docker-compose.yml; each has a default."""
        replicas = {
            **{
                name: int(environ.get(f"{service.variable}_INSTANCES", str(MIN_REPLICAS)))
                for name, service in SERVICES.items()
            },
            **{
                name: int(environ.get(component.optional, "1"))
                if component.optional
                else component.replicas
                for name, component in COMPONENTS.items()
            },
        }
        speed = float(environ.get("SPEED") or "1")
        return cls(environ.get("PROJECT") or "alertdrill", speed, replicas)

    def address(self, service: str, number: int, port: int) -> str:
        """Return the address of an instance on the network that it shares with Prometheus."""
        alias = all_components()[service].alias
        return f"{alias or f'{self.project}-{service}-{number}'}:{port}"


def install(context: RenderContext, name: str) -> None:
    """Install one of `SOURCES`, rendered for this project and its speed."""
    path, source = context.etc / name, ROOT / SOURCES[name]
    scale = expression_scaler(SOURCES[name])
    if source.is_dir():
        for old in path.glob("*.yml"):
            old.unlink()
        for file in sorted(source.glob("*.yml")):
            write_atomically(path / file.name, render(file.read_text(), context.speed, scale))
        return
    text = render(source.read_text(), context.speed, scale)
    if name.startswith("prometheus/scrape.d/"):
        text = services.render_scrape_config(text).replace(PROJECT_PREFIX, f"{context.project}-")
    write_atomically(path, text)


def write_backends(context: RenderContext) -> None:
    """Write the load balancer's backends and path maps; it finds instances by name."""
    addresses = {
        service.name: {
            instance: f"{container}:{service.port}"
            for container, instance in services.container_names(service, context.project).items()
        }
        for service in SERVICES.values()
    }
    for name, text in lb_config.render(addresses).items():
        write_atomically(context.etc / "lb" / name, text)


def write_atomically(path: Path, text: str) -> None:
    """Write a file in one step, so that no reader sees a partial file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not named `.yml`, so that no program reads it as a configuration.
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    fresh.chmod(0o644)  # each program runs as another user
    fresh.replace(path)


def write_webhook(context: RenderContext) -> None:
    """Write the webhook's URL for Alertmanager."""
    write_atomically(
        context.etc / WEBHOOK_URL_FILE, f"http://{context.address('responder', 1, 8090)}/webhook"
    )


def write_targets(context: RenderContext, without: Sequence[str] = ()) -> None:
    """Write the replica counts and the targets, but not those of the services in `without`."""
    scale = {service: context.replicas[service] for service in SERVICES}
    write_atomically(context.etc / REPLICAS_FILE, json.dumps(scale) + "\n")
    folder = context.etc / "prometheus" / "targets"
    for job in ("services", "stack", "pushed"):
        names = [
            name
            for name, component in all_components().items()
            if component.job == job and name not in without
        ]
        targets = [
            _target(context, name, number)
            for name in names
            for number in range(1, context.replicas[name] + 1)
        ]
        write_atomically(folder / f"{job}.json", json.dumps(targets, indent=2) + "\n")
    probe = {
        "targets": [f"http://{context.address('lb', 1, 8080)}/"],
        "labels": {
            "service": "lb",
            "instance": "public",
            "__blackbox__": context.address("blackbox-exporter", 1, 9115),
        },
    }
    write_atomically(folder / "probe.json", json.dumps([probe], indent=2) + "\n")
    alertmanagers = [{"targets": [context.address("alertmanager", 1, 9093)]}]
    write_atomically(folder / "alertmanager.json", json.dumps(alertmanagers, indent=2) + "\n")


def _target(context: RenderContext, service: str, number: int) -> dict[str, object]:
    component = all_components()[service]
    return {
        "targets": [context.address(service, number, component.metrics or component.port)],
        "labels": {"service": service, "instance": f"{service}-{number}"},
    }


def write_secret(file: Path, value: str = "") -> None:
    """Write `value`, or a random secret if the file does not exist or is empty."""
    if not value and file.exists() and file.stat().st_size:  # empty: cut off by a crash
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(value or secrets.token_urlsafe(32))
    # Only the containers that need it mount its volume, each as another user.
    fresh.chmod(0o444)
    fresh.replace(file)


def main() -> None:
    """Write all secrets and configurations."""
    os.umask(0o002)  # drills, in the same group, may replace configurations
    context = RenderContext.from_env(os.environ)
    if not all(1 <= context.replicas[service] <= MAX_REPLICAS for service in SERVICES):
        variables = ", ".join(f"{service.variable}_INSTANCES" for service in SERVICES.values())
        raise SystemExit(f"{variables} must be 1 to {MAX_REPLICAS}.")
    for folder in DROP_IN_FOLDERS:
        path = context.etc / folder
        path.mkdir(parents=True, exist_ok=True)
        for left_over in path.glob("*.yml"):  # of an interrupted drill
            left_over.unlink()
    for name in SOURCES:
        install(context, name)
    write_webhook(context)
    write_backends(context)
    write_targets(context)
    for token in (FAULTS_TOKEN, CONTROL_TOKEN, RESPONDER_TOKEN):
        write_secret(token)
    password = os.environ.get("GRAFANA_PASSWORD", RANDOM)
    if not password:
        raise SystemExit("GRAFANA_PASSWORD is empty: unset it for a random one.")
    write_secret(GRAFANA_PASSWORD, "" if password == RANDOM else password)
    click.echo("The secrets and configurations are written.")


if __name__ == "__main__":
    main()
