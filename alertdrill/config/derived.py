"""The committed files that follow from apps/services.yml.

Prometheus and a plain `docker compose` read them. `alertdrill up` writes them before it starts, and
`alertdrill check` reports those that are out of date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from ..errors import AlertdrillError
from . import ROOT
from .compose_services import BASE, compose_services
from .service import Service
from .services import own_services

RULES = "prometheus/rules/services.yml"
COMPOSE = "deploy/compose/services.yml"
COMPOSE_ENV = "deploy/compose/services.env"
HEAD = "# Written by `alertdrill up` from apps/services.yml: edit that file.\n"
# What follows the names of the files in an error.
STALE = "not written from the current apps/services.yml; run `alertdrill check --fix`."


class StaleFilesError(AlertdrillError):
    """A derived file does not match apps/services.yml."""


def derived_files(services: Mapping[str, Service], root: Path = ROOT) -> Mapping[str, str]:
    """Return the text of each derived file, by its path in the repository."""
    services = own_services(services)
    compose = yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8"))
    declared = compose_services(services, compose)
    # The control API inspects every container of the project, those that run once included.
    names = {*compose["services"], *yaml.safe_load(declared)["services"]} - {BASE}
    return {
        RULES: rules(services),
        COMPOSE: HEAD + declared,
        COMPOSE_ENV: f"{HEAD}SERVICES={'|'.join(sorted(names))}\n",
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
