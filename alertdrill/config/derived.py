"""The committed files that follow from apps/services.yml.

Prometheus and a plain `docker compose` read them. `alertdrill up` writes them before it starts, and
`alertdrill check` reports those that are out of date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..errors import AlertdrillError
from . import ROOT
from .services import SETTINGS, Service, ops_port

RULES = "prometheus/rules/services.yml"
COMPOSE = "deploy/compose/services.yml"
COMPOSE_ENV = "deploy/compose/services.env"
HEAD = "# Written by `alertdrill up` from apps/services.yml: edit that file.\n"
GUNICORN = ["gunicorn", "--config", "python:alertdrill_telemetry.gunicorn_conf"]
# What follows the names of the files in an error.
STALE = "not written from the current apps/services.yml; run `alertdrill check --fix`."


class StaleFilesError(AlertdrillError):
    """A derived file does not match apps/services.yml."""


def derived_files(services: Mapping[str, Service], root: Path = ROOT) -> Mapping[str, str]:
    """Return the text of each derived file, by its path in the repository."""
    compose = yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8"))
    return {
        RULES: rules(services),
        COMPOSE: _compose_services(services, compose, root),
        COMPOSE_ENV: f"{HEAD}SERVICES={'|'.join(sorted({*compose['services'], *services}))}\n",
    }


def stale_files(services: Mapping[str, Service], root: Path = ROOT) -> Sequence[str]:
    """Return the derived files that are out of date."""
    files = derived_files(services, root)
    return [name for name, text in files.items() if _read(root / name) != text]


def write_stale_files(services: Mapping[str, Service], root: Path = ROOT) -> Sequence[str]:
    """Write the derived files that are out of date, and return them."""
    stale = stale_files(services, root)
    files = derived_files(services, root) if stale else {}
    for name in stale:
        (root / name).write_text(files[name], encoding="utf-8")
    return stale


def require_current_files(services: Mapping[str, Service], root: Path = ROOT) -> None:
    """Raise `StaleFilesError` if a derived file is out of date."""
    if stale := stale_files(services, root):
        raise StaleFilesError(f"{', '.join(stale)}: {STALE}")


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def rules(services: Mapping[str, Service]) -> str:
    """Return recording rules with the objectives and the limits, for the rules that use them."""

    def rule(record: str, value: float, service: str, **labels: str) -> str:
        pairs = {"service": service, **{key: json.dumps(text) for key, text in labels.items()}}
        listed = ", ".join(f"{key}: {text}" for key, text in pairs.items())
        return f"      - {{record: {record}, expr: vector({value:.10g}), labels: {{{listed}}}}}\n"

    objectives = limits = ""
    for name, service in services.items():
        objective, limit = service.objective, service.limits
        # As Prometheus writes the bounds of a histogram.
        bound = str(float(objective.latency))
        objectives += rule("service:objective:ratio", objective.availability, name, le=bound)
        limits += rule("service:memory_limit:bytes", limit.memory, name)
        limits += rule("service:series_limit:count", limit.series, name)
    groups = (("objectives", objectives), ("limits", limits))
    return f"{HEAD}groups:\n" + "\n".join(
        f"  - name: {name}\n    rules:\n{lines}" for name, lines in groups
    )


def _compose_services(
    services: Mapping[str, Service], compose: Mapping[str, Any], root: Path
) -> str:
    """Return the services of docker-compose.yml; it has what is common to all of them."""
    build = compose["x-tools"]["build"]
    common = {**compose["x-hardened"], **compose["x-service"]}
    declared = {}
    for name, service in services.items():
        variable = f"{service.variable}_DIGEST"
        image = (
            f"${{REGISTRY:-alertdrill.invalid}}/{name}:${{ALERTDRILL_VERSION:-0.1.0}}"
            f"${{REGISTRY:+@${{{variable}:-sha256:{variable}-is-not-set}}}}"
        )
        arguments = {"SERVICE": name, "APP": f"apps.{service.package}:create_app()"}
        settings = f"apps/{service.package}/{SETTINGS}"
        called = {f"{services[peer].variable}_URL": "http://lb:8081" for peer in service.calls}
        ports = {"PORT": service.port, "OPS_PORT": ops_port(service.port)}
        memory = f"{service.limits.memory // 2**20}M"
        declared[name] = {
            "image": image,
            "build": {**build, "target": "prod", "args": {**build["args"], **arguments}},
            **({"command": GUNICORN} if service.server == "gunicorn" else {}),
            **({"env_file": settings} if (root / settings).exists() else {}),
            "environment": {**compose["x-environment"], "SERVICE": name, **ports, **called},
            # Whether the responder may restart and scale it.
            "labels": {"alertdrill.heal": str(int(service.heal))},
            **common,
            "memswap_limit": memory,
            "deploy": {
                "replicas": service.replicas.min,
                "resources": {"limits": {"cpus": "1", "memory": memory, "pids": 64}},
            },
        }
    return HEAD + yaml.dump({"services": declared}, Dumper=_Dumper, sort_keys=False, width=10_000)


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, and indents lists."""

    def ignore_aliases(self, _data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        return super().increase_indent(flow, indentless=False)
