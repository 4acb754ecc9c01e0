"""The containers of a project, as rows of the table in docs/reference/containers.md."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.e2e.stack import Stack

LABEL = "com.docker.compose"
HEAD = ("Container", "User", "Root", "Capabilities", "Memory", "CPUs", "Pids", "Networks", "Ports")


@dataclass(frozen=True)
class Row:
    """What a container of a service may do: its user, limits, networks and ports."""

    service: str
    user: str
    root: str
    capabilities: str
    memory: str
    cpus: str
    pids: str
    networks: str
    ports: str

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        return tuple(vars(self).values())


def docker(stack: Stack, *arguments: str) -> str:
    """Run a docker command; return its output even if it fails."""
    completed = subprocess.run(
        ["docker", *arguments],
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return completed.stdout + completed.stderr


def compose(stack: Stack, *arguments: str) -> str:
    """Run a Compose command on the project of the stack."""
    return docker(stack, "compose", "--project-directory", str(stack.root), *arguments)


def inspect(stack: Stack) -> list[dict[str, Any]]:
    """Return the engine's description of every running container."""
    project = f"label={LABEL}.project={stack.environment['COMPOSE_PROJECT_NAME']}"
    names = docker(stack, "ps", "--quiet", "--filter", project).split()
    containers: list[dict[str, Any]] = json.loads(docker(stack, "inspect", *names))
    return containers


def service(container: dict[str, Any]) -> str:
    """Return the name of a container's service."""
    name: str = container["Config"]["Labels"][f"{LABEL}.service"]
    return name


def row(container: dict[str, Any], project: str) -> Row:
    """Return the row of a container."""
    host = container["HostConfig"]
    published = container["NetworkSettings"]["Ports"] or {}
    dropped = host["CapDrop"] == ["ALL"] and "no-new-privileges:true" in host["SecurityOpt"]
    networks = sorted(name.removeprefix(f"{project}_") for name in host_networks(container))
    return Row(
        service=service(container),
        user=container["Config"]["User"] or "root",
        root="read-only" if host["ReadonlyRootfs"] else "writable",
        capabilities=", ".join(host["CapAdd"] or []) or ("none" if dropped else "default"),
        memory=f"{host['Memory'] // 2**20} MiB",
        cpus=f"{host['NanoCpus'] / 1e9:g}",
        pids=str(host["PidsLimit"]),
        networks=", ".join(networks),
        ports=", ".join(
            f"{kind(port['HostIp'])} → {inner.partition('/')[0]}"
            for inner, ports in sorted(published.items())
            for port in ports or ()
        ),
    )


def host_networks(container: dict[str, Any]) -> list[str]:
    """Return the networks of a container."""
    return list(container["NetworkSettings"]["Networks"])


def kind(address: str) -> str:
    """Return the address that publishes a port; the loopback has a short name."""
    return "loopback" if address.startswith("127.") else address


def table(rows: list[Row]) -> str:
    """Return the table as Markdown."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
