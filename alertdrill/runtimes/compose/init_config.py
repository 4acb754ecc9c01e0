"""Generate secrets and configurations for this project before anything else starts.

It runs in a container of its own, so that `docker compose up` needs no preparation. It fills the
volumes that the other containers read: with the committed files, rendered at this stack's speed,
and with the generated ones.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

from ...config import ROOT, compose_services, derived
from ...config.components import COMPONENTS
from ...config.service import MAX_REPLICAS, Service
from ...config.services import SERVICES, all_components, min_replicas, ops_port, own_services
from ...config.settings import RANDOM
from .. import config_files
from ..alertmanager_login import write_login
from ..config_files import (
    create_secret,
    probe_target,
    rendered,
    target,
    write_atomically,
    write_json,
)

# The project's name in prometheus/scrape/compose.yml.
PROJECT_PREFIX = "alertdrill-"
# The configurations of Prometheus, Alertmanager, Loki and the load balancer.
ETC = Path("/etc/alertdrill")
FAULTS_TOKEN = Path("/run/secrets/faults/token")
CONTROL_TOKEN = Path("/run/secrets/control/token")
RESPONDER_TOKEN = Path("/run/secrets/responder/token")
# The folder of a service's own secrets.
GENERATED = Path(compose_services.GENERATED)
GRAFANA_PASSWORD = Path("/run/secrets/grafana/password")
# The folder of the login's files.
ALERTMANAGER_LOGIN = Path("/run/secrets/alertmanager")
# Only the containers that need a secret mount its volume, each as another user.
SECRET_MODE = 0o444
# Configuration files below ETC, and the committed file or folder of each.
SOURCES = {
    **config_files.SOURCES,
    "prometheus/scrape.d/compose.yml": "prometheus/scrape/compose.yml",
}
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
            name: int(environ.get(component.optional) or component.replicas)
            for name, component in COMPONENTS.items()
        }
        scale = json.loads(environ.get("SCALE") or "{}")
        replicas |= {**min_replicas(), **scale}
        speed = float(environ.get("SPEED") or "1")
        return cls(environ.get("PROJECT") or "alertdrill", speed, replicas)

    def address(self, service: str, number: int, port: int) -> str:
        """Return the address of an instance on the network that it shares with Prometheus."""
        component = all_components()[service]
        name = f"{self.project}-{service}-{number}"
        if component.network:
            # The engine's name server knows a container by its network, too.
            return f"{name}.{self.project}_{component.network}:{port}"
        return f"{component.alias or name}:{port}"


def install(context: RenderContext, name: str) -> None:
    """Install one of `SOURCES`, rendered for this project and its speed."""
    path, source = context.etc / name, ROOT / SOURCES[name]
    for old in path.glob("*.yml"):
        old.unlink()
    for file, text in rendered(SOURCES[name], context.speed).items():
        content = text
        if name.startswith("prometheus/scrape.d/"):
            content = render_scrape_config(text).replace(PROJECT_PREFIX, f"{context.project}-")
        write_atomically(path / file if source.is_dir() else path, content)


def render_scrape_config(text: str) -> str:
    """Return prometheus/scrape/compose.yml with the container names of every service.

    The file has the names of one service, as the template of the others.
    """
    document = yaml.safe_load(text)
    job = next(job for job in document["scrape_configs"] if job["job_name"] == "services")
    (pattern,) = job["dns_sd_configs"]
    job["dns_sd_configs"] = [
        {**pattern, "names": list(container_names(service)), "port": ops_port(service.port)}
        for service in SERVICES.values()
    ]
    return yaml.safe_dump(document, sort_keys=False, width=100)


def container_names(service: Service, project: str = "alertdrill") -> Mapping[str, str]:
    """Return {container: instance} for every possible replica of a service."""
    instances = [f"{service.name}-{number}" for number in range(1, MAX_REPLICAS + 1)]
    return {f"{project}-{instance}": instance for instance in instances}


def write_backends(context: RenderContext) -> None:
    """Write the load balancer's backends and path maps; it finds instances by name."""
    addresses = {
        service.name: {
            instance: f"{container}:{service.port}"
            for container, instance in container_names(service, context.project).items()
        }
        for service in SERVICES.values()
    }
    for name, text in config_files.lb_files(addresses).items():
        write_atomically(context.etc / "lb" / name, text)


def write_webhook(context: RenderContext) -> None:
    """Write the webhook's URL for Alertmanager."""
    url = f"http://{context.address('responder', 1, 8090)}/webhook"
    write_atomically(context.etc / config_files.WEBHOOK_URL_FILE, url)


def write_targets(context: RenderContext, without: Sequence[str] = ()) -> None:
    """Write the replica counts and the targets, but not those of the services in `without`."""
    scale = {service: context.replicas[service] for service in SERVICES}
    write_atomically(context.etc / REPLICAS_FILE, json.dumps(scale) + "\n")
    targets: dict[str, list[dict[str, object]]] = {"services": [], "stack": [], "pushed": []}
    for name, component in all_components().items():
        for number in range(1, context.replicas[name] + 1) if name not in without else ():
            targets[component.job].append(_target(context, name, number))
    url = f"http://{context.address('lb', 1, 8080)}/"
    targets["probe"] = [probe_target(url, context.address("blackbox-exporter", 1, 9115))]
    targets["alertmanager"] = [{"targets": [context.address("alertmanager", 1, 9093)]}]
    for job, content in targets.items():
        write_json(context.etc / "prometheus" / "targets" / f"{job}.json", content)


def _target(context: RenderContext, service: str, number: int) -> dict[str, object]:
    component, instance = all_components()[service], f"{service}-{number}"
    if component.relay:
        relay = all_components()[component.relay]
        path = {"__metrics_path__": f"/proxies/{instance}/metrics"}
        return target(f"{relay.alias}:{relay.scrape_port}", service, instance, **path)
    address = context.address(service, number, component.scrape_port)
    return target(address, service, instance)


def write_secret(file: Path, value: str = "") -> None:
    """Write `value`, or a random secret if the file does not exist or is empty."""
    if value:
        write_atomically(file, value, SECRET_MODE)
    else:
        create_secret(file, SECRET_MODE)


def main() -> None:
    """Write all secrets and configurations."""
    os.umask(0o002)  # drills, in the same group, may replace configurations
    context = RenderContext.from_env(os.environ)
    # Compose alone writes none of the derived files.
    if (ROOT / derived.RULES).read_text(encoding="utf-8") != derived.rules(own_services(SERVICES)):
        raise SystemExit(f"{derived.RULES}: {derived.STALE}")
    for folder in config_files.DROP_IN_FOLDERS:
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
    write_login(ALERTMANAGER_LOGIN, context.etc, SECRET_MODE)
    password = os.environ.get("GRAFANA_PASSWORD", RANDOM)
    if not password:
        raise SystemExit("GRAFANA_PASSWORD is empty: unset it for a random one.")
    write_secret(GRAFANA_PASSWORD, "" if password == RANDOM else password)
    click.echo("The secrets and configurations are written.")


if __name__ == "__main__":
    if names := sys.argv[1:]:  # the secrets of one service
        for name in names:
            write_secret(GENERATED / name)
    else:
        main()
