"""The one-shot step before everything else: secrets, and configurations for this project.

It runs in a container of its own, so that `docker compose up` needs nothing beforehand. What the
containers read lies on volumes that it fills: the committed files, at the speed of this stack, and
beside them what only this stack knows.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ...rehearsal import language, render
from ...settings import CEILING, FLOOR, RANDOM, ROOT, SERVICES
from .. import backends
from . import declared
from .parts import PAIRS, PARTS

# The project's name in prometheus/scrape/compose.yml.
WRITTEN = "alertdrill-"
# Where Prometheus, Alertmanager and Loki read from.
ETC = Path("/etc/alertdrill")
FAULTS_TOKEN = Path("/run/secrets/faults/token")
CONTROL_TOKEN = Path("/run/secrets/control/token")
RESPONDER_TOKEN = Path("/run/secrets/responder/token")
GRAFANA_PASSWORD = Path("/run/secrets/grafana/password")
# Not made here: Grafana gives it.
GRAFANA_TOKEN = Path("/run/secrets/grafana-token/token")

# What is read, below ETC, and the committed file or folder that it is.
COMMITTED = {
    "prometheus/prometheus.yml": "prometheus/prometheus.yml",
    "prometheus/rules": "prometheus/rules",
    "prometheus/scrape.d/compose.yml": "prometheus/scrape/compose.yml",
    "alertmanager/alertmanager.yml": "alerting/alertmanager.yml",
    # `fake` is the name of Loki's only tenant.
    "loki/rules/fake": "loki/rules",
    "loki/overrides.yml": "loki/overrides.yml",
}
# Folders that have room for more, which a drill puts there while it lasts.
EXTRA = ("prometheus/rules.d", "prometheus/scrape.d")
# Who looks at its files by itself, and would end on a SIGHUP.
LOOKS_ITSELF = ("loki",)
WEBHOOK = "alertmanager/webhook_url"
# How many instances of each service are to serve: what whoever scales goes by, and leaves.
# In a folder of its own, where the control API and drills, which are other users, may write.
SCALE = "scale/scale.json"


@dataclass(frozen=True)
class Site:
    """One project: its name, its speed, and how many replicas each service must have."""

    project: str
    speed: float
    replicas: Mapping[str, int]
    etc: Path = ETC

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Site:
        """Read what docker-compose.yml gives; it has a default for everything."""
        replicas = {
            **{
                name: int(environ.get(f"{service.variable}_INSTANCES", str(FLOOR)))
                for name, service in SERVICES.items()
            },
            **{
                name: int(environ.get(part.optional, "1") if part.optional else "1")
                for name, part in PARTS.items()
                if name not in SERVICES
            },
            **dict.fromkeys(PAIRS, 2),
        }
        speed = float(environ.get("SPEED") or "1")
        return cls(environ.get("PROJECT") or "alertdrill", speed, replicas)

    def address(self, service: str, number: int, port: int) -> str:
        """Return where an instance listens, on the network that Prometheus asks it over."""
        alias = PARTS[service].alias
        return f"{alias or f'{self.project}-{service}-{number}'}:{port}"


def lay(site: Site, name: str) -> None:
    """Put one of `COMMITTED` into place, at this speed and for this project."""
    place, source = site.etc / name, ROOT / COMMITTED[name]
    scale = language(COMMITTED[name])
    if source.is_dir():
        for old in place.glob("*.yml"):
            old.unlink()
        for file in sorted(source.glob("*.yml")):
            replace(place / file.name, render(file.read_text(), site.speed, scale))
        return
    text = render(source.read_text(), site.speed, scale)
    if name.startswith("prometheus/scrape.d/"):
        text = declared.scraped(text).replace(WRITTEN, f"{site.project}-")
    replace(place, text)


def write_backends(site: Site) -> None:
    """Write what the load balancer reads of the services: it finds instances by their names."""
    addresses = {
        service.name: {
            instance: f"{container}:{service.port}"
            for container, instance in declared.names(service, site.project).items()
        }
        for service in SERVICES.values()
    }
    for name, text in backends.files(addresses).items():
        replace(site.etc / "lb" / name, text)


def replace(place: Path, text: str) -> None:
    """Write a file at once, so that nobody reads half of it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    # Not `.yml` at its end, so that no program takes it for a configuration meanwhile.
    fresh = place.with_name(f"{place.name}.new")
    fresh.write_text(text)
    fresh.chmod(0o644)  # each program has a user of its own
    fresh.replace(place)


def write_webhook(site: Site) -> None:
    """Write where Alertmanager sends its notifications."""
    replace(site.etc / WEBHOOK, f"http://{site.address('responder', 1, 8090)}/webhook")


def write_targets(site: Site, without: Sequence[str] = ()) -> None:
    """Write what must be scraped, but for the services in `without`; and the scale."""
    scale = {service: site.replicas[service] for service in SERVICES}
    replace(site.etc / SCALE, json.dumps(scale) + "\n")
    folder = site.etc / "prometheus" / "targets"
    for job in ("services", "stack", "pushed"):
        names = [name for name, part in PARTS.items() if part.job == job and name not in without]
        found = [
            _target(site, name, number)
            for name in names
            for number in range(1, site.replicas[name] + 1)
        ]
        replace(folder / f"{job}.json", json.dumps(found, indent=2) + "\n")
    probe = {
        "targets": [f"http://{site.address('lb', 1, 8080)}/"],
        "labels": {
            "service": "lb",
            "instance": "public",
            "__blackbox__": site.address("blackbox-exporter", 1, 9115),
        },
    }
    replace(folder / "probe.json", json.dumps([probe], indent=2) + "\n")
    alertmanagers = [{"targets": [site.address("alertmanager", 1, 9093)]}]
    replace(folder / "alertmanager.json", json.dumps(alertmanagers, indent=2) + "\n")


def _target(site: Site, service: str, number: int) -> dict[str, object]:
    part = PARTS[service]
    return {
        "targets": [site.address(service, number, part.metrics or part.port)],
        "labels": {"service": service, "instance": f"{service}-{number}"},
    }


def write_secret(file: Path, given: str = "") -> None:
    """Keep a secret that is there; make a random one, or take the given one, where it is not."""
    if not given and file.exists() and file.stat().st_size:  # empty: cut off by a crash
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(given or secrets.token_urlsafe(32))
    # Only the containers that need it have its volume, each under a user of its own.
    fresh.chmod(0o444)
    fresh.replace(file)


def main() -> None:
    """Write everything."""
    os.umask(0o002)  # drills, of the same group, may put other configurations there
    site = Site.from_env(os.environ)
    if not all(1 <= site.replicas[service] <= CEILING for service in SERVICES):
        variables = ", ".join(f"{one.variable}_INSTANCES" for one in SERVICES.values())
        raise SystemExit(f"{variables}: each takes 1 to {CEILING}.")
    for folder in EXTRA:
        place = site.etc / folder
        place.mkdir(parents=True, exist_ok=True)
        for left_over in place.glob("*.yml"):  # a drill's, of a run that was cut off
            left_over.unlink()
    for name in COMMITTED:
        lay(site, name)
    write_webhook(site)
    write_backends(site)
    write_targets(site)
    for token in (FAULTS_TOKEN, CONTROL_TOKEN, RESPONDER_TOKEN):
        write_secret(token)
    password = os.environ.get("GRAFANA_PASSWORD", RANDOM)
    if not password:
        raise SystemExit("GRAFANA_PASSWORD is empty: leave it out, and a random one is made.")
    write_secret(GRAFANA_PASSWORD, "" if password == RANDOM else password)
    click.echo("The secrets and configurations are in place.")


if __name__ == "__main__":
    main()
