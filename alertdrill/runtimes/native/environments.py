"""The virtual environment of a service with requirements of its own."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from ... import bootstrap
from ...config import ROOT
from ...config.service import Service
from ...config.services import SERVICES
from ...errors import AlertdrillError
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
    if service.server == "gevent" and not _has_gevent(service):
        file = service.requirements or "requirements.txt"
        raise AlertdrillError(
            f"{service.name} has server: gevent, and gevent is not installed: add it to"
            f" {service.location}/{file}, which its entry names under requirements."
        )


def _has_gevent(service: Service) -> bool:
    command = [str(python(service)), "-c", "import gevent.monkey"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603


def remove_old() -> None:
    """Remove the environments that no instance runs from any more."""
    current = {_folder(service) for service in SERVICES.values() if service.requirements}
    for folder in FOLDER.glob("*"):
        if folder not in current:
            shutil.rmtree(folder, ignore_errors=True)


def _folder(service: Service) -> Path:
    """Return a folder for these requirements: instances run from the earlier ones meanwhile.

    Services with the same requirements share it.
    """
    assert service.requirements is not None
    file = service.folder / service.requirements
    content = file.read_bytes() if file.exists() else b""  # `up` reports a missing one
    digest = hashlib.sha256(SHARED.read_bytes() + content).hexdigest()
    return FOLDER / digest[:12]
