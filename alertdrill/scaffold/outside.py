"""The declaration of a service in the repository of its application."""

from __future__ import annotations

from pathlib import Path

from ..config import ROOT
from ..config.service import MAX_PORT, MIN_PORT
from ..config.services import ServicesError, external_files, read_services
from .repository import ScaffoldError, render
from .service import NewService, location

DECLARATION = "alertdrill.yml"


def declare(service: NewService, folder: Path) -> None:
    """Write the declaration of a service into the folder of its application.

    Raises `ScaffoldError` if there is one already, or if it collides with another service.
    """
    file = folder / DECLARATION
    if file.exists():
        raise ScaffoldError(f"{file} exists already: edit it.")
    others = external_files()
    taken = {other.port for other in read_services(ROOT / "apps", others).values()}
    free = (port for port in range(MIN_PORT, MAX_PORT + 1) if port not in taken)
    if (port := service.port or next(free, None)) is None:
        raise ScaffoldError(f"Every port from {MIN_PORT} to {MAX_PORT} belongs to a service.")
    text = render(
        "service_entry",
        name=service.name,
        location=location(service, folder),
        port=str(port),
        host=f"  host: {service.host}\n" if service.host else "",
        public=service.public_path,
        strip_prefix="  strip_prefix: true\n" if service.strips_prefix else "",
    )
    file.write_text(text.lstrip(), encoding="utf-8")
    try:
        read_services(ROOT / "apps", [*others, file])
    except ServicesError as error:
        file.unlink()
        message = str(error).partition(": ")[2]
        raise ScaffoldError(message[:1].upper() + message[1:]) from error
