"""The declaration of a service in the repository of its application."""

from __future__ import annotations

from pathlib import Path

from ..config import ROOT
from ..config.services import ServicesError, external_files, read_services
from .repository import ScaffoldError
from .service import NewService, entry

DECLARATION = "alertdrill.yml"


def declare(service: NewService, folder: Path) -> None:
    """Write the declaration of a service into the folder of its application.

    Raises `ScaffoldError` if there is one already, or if it collides with another service.
    """
    file = folder / DECLARATION
    if file.exists():
        raise ScaffoldError(f"{file} exists already: edit it.")
    others = external_files()
    text = entry(service, read_services(ROOT / "apps", others), folder)
    file.write_text(text.lstrip(), encoding="utf-8")
    try:
        read_services(ROOT / "apps", [*others, file])
    except ServicesError as error:
        file.unlink()
        message = str(error).partition(": ")[2]
        raise ScaffoldError(message[:1].upper() + message[1:]) from error
