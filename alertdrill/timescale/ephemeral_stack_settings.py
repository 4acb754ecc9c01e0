"""Settings of an ephemeral stack, which runs beside the user's stack."""

from __future__ import annotations

import random
import socket
from dataclasses import fields, replace

from ..config.settings import RANDOM, Ports, StackSettings, instance_port_range
from .render import TimescaleError, check_speed

# Below Linux's ports for outgoing connections (32768), above the usual listening ports.
MIN_PORT, MAX_PORT = 30000, 32500
# The drill of the storage fills this size. All drills together, half an hour at speed 12, leave up
# to 180 MB.
RETENTION_SIZE = "400MB"
# The end of its Compose project's name.
EPHEMERAL_SUFFIX = "-ephemeral"


def ephemeral_identity(settings: StackSettings, project: str = "") -> StackSettings:
    """Return settings that name the ephemeral stack beside a stack, to stop it.

    `project` is its Compose project, by default that of the settings.
    """
    project = project or f"{settings.project}{EPHEMERAL_SUFFIX}"
    return replace(settings, home=settings.home / "ephemeral", project=project, ephemeral=True)


def ephemeral_settings(settings: StackSettings, speed: float) -> StackSettings:
    """Return the settings of an ephemeral stack, below `settings.home`.

    It does not depend on the user's settings, so that drills are reproducible. Raises
    `TimescaleError` for an invalid speed, or without free ports.
    """
    check_speed(speed)
    return replace(
        ephemeral_identity(settings),
        ports=free_ports(),
        lb_address="127.0.0.1",
        retention_size=RETENTION_SIZE,
        grafana_password=RANDOM,
        healing="on",
        faults_enabled=True,
        speed=speed,
    )


def free_ports() -> Ports:
    """Return ports from a free range; raise `TimescaleError` without one."""
    names = [item.name for item in fields(Ports) if item.name != "instances"]
    size = len(names) + instance_port_range() + 1
    bases = range(MIN_PORT, MAX_PORT - size, size)
    # In random order, so that two concurrent runs seldom choose the same range.
    for base in random.sample(bases, len(bases)):
        if all(_free(port) for port in range(base, base + size)):
            ports = {name: base + place for place, name in enumerate(names)}
            return Ports(**ports, instances=base + len(names))
    raise TimescaleError(
        f"no {size} consecutive ports are free from {MIN_PORT} to {MAX_PORT}:"
        " stop another ephemeral stack."
    )


def _free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
