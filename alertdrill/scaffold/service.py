"""A new service: its code or the folder of an application, its entry, its load and its alert."""

from __future__ import annotations

import json
import keyword
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config import ROOT
from ..config.derived import derived_files
from ..config.service import MAX_PORT, MIN_PORT, Service
from ..config.services import ServicesError, external_files, read_services
from .alert import ALERT_NAME, add_alert
from .repository import (
    PROFILES_FILE,
    SERVICES_FILE,
    Repository,
    ScaffoldError,
    append,
    render,
)

REQUIREMENTS = "requirements.txt"
# The file of an application that declares its service in its own repository.
DECLARATION = "alertdrill.yml"
# A text that YAML reads as it is, without quotes.
PLAIN = r"[A-Za-z0-9_./-]+"


@dataclass(frozen=True)
class NewService:
    """A service to add. With `folder` and `app` it is an application that exists.

    Without `port` it gets the next free one. Its requests come for the path `public`, at `host` if
    that is set; by default the path is `/NAME`, and `/` for an application with a host.
    """

    name: str
    port: int | None = None
    public: str | None = None
    host: str | None = None
    folder: Path | None = None
    app: str | None = None

    @property
    def package(self) -> str:
        """Its name as a Python package."""
        return self.name.replace("-", "_")

    @property
    def alert(self) -> str:
        """The name of the alert about its errors."""
        words = "".join(word.capitalize() for word in self.name.split("-"))
        # The name of an alert has no word of a single letter.
        pascal = words if re.fullmatch(ALERT_NAME, f"{words}Errors") else words.capitalize()
        return f"{pascal}Errors"

    @property
    def public_path(self) -> str:
        """The path that its clients request."""
        return self.public or ("/" if self.folder and self.host else f"/{self.name}")

    @property
    def strips_prefix(self) -> bool:
        """Whether it gets requests without its public path, which its code does not know."""
        return bool(self.folder) and not self.host and self.public_path != "/"

    @property
    def request(self) -> str:
        """The path that its load requests."""
        prefix = self.public_path.rstrip("/")
        return f"{prefix}/" if self.folder else f"{prefix}/3"


def add_service(repository: Repository, service: NewService) -> Repository:
    """Return the repository with a new service; raise `ScaffoldError` to refuse it.

    It has the entry, a load profile, an alert, and the files that follow from apps/services.yml. A
    service without a folder of its own has its code and its tests in this repository.
    """
    _check_name(repository, service)
    code = {} if service.folder else _new_code(repository, service)
    text = entry(service, repository.services, repository.root)
    host = f", headers: {{Host: {service.host}}}" if service.host else ""
    profile = render("service_profile", name=service.name, request=service.request, headers=host)
    changed = repository.with_files(
        {
            **code,
            SERVICES_FILE: append(repository.read(SERVICES_FILE), text),
            PROFILES_FILE: append(repository.read(PROFILES_FILE), profile),
        }
    )
    # Reading the services refuses an invalid name, and a port or a path that another one has.
    derived = derived_files(changed.services, repository.root)
    return add_alert(changed.with_files(derived), service.alert, service.name)


def _check_name(repository: Repository, service: NewService) -> None:
    name = service.name
    if name in repository.services:
        raise ScaffoldError(f"There is a service {name} already: use another name.")
    if name in repository.profiles or name == "none":
        raise ScaffoldError(f"{name} is the name of a load in {PROFILES_FILE}: use another name.")
    if keyword.iskeyword(service.package):
        raise ScaffoldError(
            f"{name} is a word of Python, so it names no package: use another name."
        )


def entry(service: NewService, services: Mapping[str, Service], root: Path) -> str:
    """Return the entry of a new service beside others; its path is relative to `root`.

    Raises `ScaffoldError` if no port is free, or if its folder does not exist.
    """
    taken = {other.port for other in services.values()}
    free = (port for port in range(MIN_PORT, MAX_PORT + 1) if port not in taken)
    if (port := service.port or next(free, None)) is None:
        raise ScaffoldError(f"Every port from {MIN_PORT} to {MAX_PORT} belongs to a service.")
    return render(
        "service_entry",
        name=service.name,
        location=_location(service, root) if service.folder else "",
        port=str(port),
        host=f"  host: {_scalar(service.host)}\n" if service.host else "",
        public=_scalar(service.public_path),
        strip_prefix="  strip_prefix: true\n" if service.strips_prefix else "",
    )


def _new_code(repository: Repository, service: NewService) -> Mapping[str, str]:
    """Return the code of the service and its tests; refuse to overwrite others."""
    values = {
        "name": service.name,
        "package": service.package,
        "prefix": service.public_path.rstrip("/"),
    }
    folders = {
        f"apps/{service.package}": ("__init__.py", "service_code"),
        f"tests/unit/apps/{service.package}": ("test_routes.py", "service_tests"),
    }
    for folder in folders:
        if repository.exists(folder):
            raise ScaffoldError(f"{folder} exists already: use another name.")
    return {
        f"{folder}/{file}": render(template, **values)
        for folder, (file, template) in folders.items()
    }


def _location(service: NewService, root: Path) -> str:
    """Return the lines of the entry about an application, whose path is relative to `root`."""
    assert service.folder is not None
    if not service.folder.is_dir():
        raise ScaffoldError(f"There is no folder {service.folder}: give that of the application.")
    path = os.path.relpath(service.folder.resolve(), root.resolve())
    lines = {"path": path, "app": service.app or ""}
    if (service.folder / REQUIREMENTS).is_file():
        lines["requirements"] = REQUIREMENTS
    return "".join(f"  {key}: {_scalar(text)}\n" for key, text in lines.items())


def _scalar(text: str) -> str:
    return text if re.fullmatch(PLAIN, text) else json.dumps(text, ensure_ascii=False)


def declare(service: NewService, folder: Path) -> None:
    """Write the declaration of a service into the folder of its application.

    Raises `ScaffoldError` if there is one already, or if it collides with another service.
    """
    file = folder / DECLARATION
    if re.search(r":|\s#|^\s|\s$", str(folder)):
        raise ScaffoldError(f"SERVICES_FILES can't name {folder}: use a path without `:` and `#`.")
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


def instructions(service: NewService) -> str:
    """Return the lines to add to the code of an application that exists."""
    lines = ["from alertdrill_telemetry import init_app", ""]
    lines += [f'init_app(app, service="{service.name}")']
    if service.strips_prefix:  # its links need the prefix
        lines.insert(1, "from werkzeug.middleware.proxy_fix import ProxyFix")
        lines.append("app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1)")
    return "\n".join(lines)
