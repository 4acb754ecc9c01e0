"""Read declarations of services from a text, as apps/services.yml has them."""

from __future__ import annotations

from pathlib import Path

from alertdrill.config.service import Service
from alertdrill.config.services import read_services

OBJECTIVE = "objective: {availability: 0.99, latency: 500ms}"
LIMITS = "limits: {memory: 256MiB, series: 1000}"
FACTS = f"{OBJECTIVE}, {LIMITS}"


def services_from(folder: Path, text: str) -> dict[str, Service]:
    """Return the services of a file in a folder without code, as in the image of the command.

    Each one that declares a port has FACTS.
    """
    apps = folder / "apps"
    apps.mkdir(exist_ok=True)
    (apps / "services.yml").write_text(text.replace("port: 50", f"{FACTS}, port: 50"))
    return dict(read_services(apps))
