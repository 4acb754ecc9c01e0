"""What each container may do, as docker-compose.yml and deploy/compose/services.yml declare it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from alertdrill.config.derived import COMPOSE

from .errors import GenerateError
from .markdown import ROOT, document, table

COLUMNS = "Container", "User", "Root", "Capabilities", "Memory", "CPUs", "Pids", "Networks", "Ports"
# A variable of Compose with its default.
VARIABLE = re.compile(r"\$\{[A-Z_]+:-([^}]*)\}")


def page() -> str:
    """Return the page."""
    return document(
        "Containers",
        "Each container has these permissions and limits, with the default settings."
        " [Security](../explanation/security.md) explains them. `make docs` writes this page from"
        " `docker-compose.yml`, and from the services of `apps/services.yml`; a test compares it"
        " with the running containers.",
        table(COLUMNS, rows()),
    )


def rows() -> Iterator[Sequence[str]]:
    """Yield the row of each container that keeps running, in order of the names."""
    services: dict[str, Any] = {}
    for file in ("docker-compose.yml", COMPOSE):
        text = VARIABLE.sub(r"\1", (ROOT / file).read_text(encoding="utf-8"))
        services |= yaml.safe_load(text)["services"]
    for name, service in sorted(services.items()):
        # Others run once, or in a drill, a load or a build.
        if service.get("restart") != "no" and "profiles" not in service:
            yield _row(name, service)


def _row(name: str, service: Mapping[str, Any]) -> Sequence[str]:
    limits = service["deploy"]["resources"]["limits"]
    dropped = service.get("cap_drop") == ["ALL"]
    dropped &= "no-new-privileges:true" in service.get("security_opt", ())
    return (
        name,
        str(service.get("user") or _image_user(name, service)),
        "read-only" if service.get("read_only") else "writable",
        ", ".join(service.get("cap_add", ())) or ("none" if dropped else "default"),
        re.sub(r"M$", " MiB", str(limits["memory"])),
        f"{float(limits['cpus']):g}",
        str(limits["pids"]),
        ", ".join(sorted(service.get("networks", ()))),
        ", ".join(map(_port, service.get("ports", ()))),
    )


def _image_user(name: str, service: Mapping[str, Any]) -> str:
    """Return the user of an image that is built here; that of another one is not known."""
    if not {"target", "dockerfile_inline"} & service.get("build", {}).keys():
        return "the image's"
    dockerfile = (ROOT / "apps/Dockerfile").read_text(encoding="utf-8")
    users: set[str] = set(re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE))
    if len(users) != 1:
        raise GenerateError(f"apps/Dockerfile has the users {users}: which one is that of {name}?")
    return users.pop()


def _port(published: str) -> str:
    address, _, port = published.rpartition(":")
    host = address.rpartition(":")[0]
    return f"{'loopback' if host == '127.0.0.1' else host} → {port}"
