"""The virtual environment of a service with requirements of its own."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from ... import bootstrap
from ...config import ROOT
from ...config.services import Service
from ..base import ProgressCallback

# What every service has: what the library needs, and the servers.
SHARED = ROOT / "requirements" / "services.txt"
TELEMETRY = ROOT / "telemetry"


def python(service: Service) -> Path:
    """Return the Python that runs a service."""
    if service.requirements is None:
        return Path(sys.executable)
    return _folder(service) / "bin" / "python"


def prepare(service: Service, on_progress: ProgressCallback) -> None:
    """Install the requirements of a service, if they changed, beside what every service has.

    Raises an `AlertdrillError` if they can't be installed, or exclude what the library needs.
    """
    if service.requirements is not None:
        project = tomllib.loads((TELEMETRY / "pyproject.toml").read_text())["project"]
        bootstrap.prepare_application(
            _folder(service),
            [SHARED],
            service.folder / service.requirements,
            project["dependencies"],
            on_progress,
        )


def _folder(service: Service) -> Path:
    """Return a folder for all stacks of this checkout, those of drills included."""
    return ROOT / "var" / "environments" / service.name
