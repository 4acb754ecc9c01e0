"""The virtual environment of a service with requirements of its own."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tomllib
from pathlib import Path

from ... import bootstrap
from ...config import ROOT
from ...config.service import Service
from ..base import ProgressCallback

# What every service has: what the library needs, and the servers.
SHARED = ROOT / "requirements" / "services.txt"
TELEMETRY = ROOT / "telemetry"
# For all stacks of this checkout, those of drills included.
FOLDER = ROOT / "var" / "environments"


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


def remove_old(service: Service) -> None:
    """Remove the environments of a service that no instance runs from any more."""
    for folder in FOLDER.glob(f"{service.name}.*"):
        if folder != _folder(service):
            shutil.rmtree(folder, ignore_errors=True)


def _folder(service: Service) -> Path:
    """Return a folder for these requirements: instances run from the earlier ones meanwhile."""
    assert service.requirements is not None
    file = service.folder / service.requirements
    content = file.read_bytes() if file.exists() else b""  # `up` reports a missing one
    digest = hashlib.sha256(SHARED.read_bytes() + content).hexdigest()[:12]
    return FOLDER / f"{service.name}.{digest}"
