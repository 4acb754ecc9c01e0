"""A stack of a rehearsal's own, beside the one that may be running."""

from __future__ import annotations

import random
import socket
from dataclasses import fields, replace

from ..settings import INSTANCE_PORT_RANGE, RANDOM, Ports, StackSettings
from . import durations
from .errors import TimescaleError

# Below the ports that Linux gives to outgoing connections (32768), above what programs listen on.
MIN_PORT, MAX_PORT = 30000, 32500
# Instances listen up to so far above the port where theirs begin.
INSTANCE_PORTS = INSTANCE_PORT_RANGE + 1
# A drill of the storage fills this on disk. An hour of rehearsal takes 50 MB of it.
RETENTION_SIZE = "200MB"


def ephemeral_settings(settings: StackSettings, speed: float) -> StackSettings:
    """Return the settings of a stack that is free to be broken, below `settings.home`.

    It is the same whatever the user's own stack is set to, so that a rehearsal is too. Raises
    `TimescaleError` for a bad speed, or where no ports are free.
    """
    durations.check_speed(speed)
    return replace(
        settings,
        home=settings.home / "ephemeral",
        ports=free_ports(),
        lb_address="127.0.0.1",
        retention_size=RETENTION_SIZE,
        project=f"{settings.project}-ephemeral",
        grafana_password=RANDOM,
        # One that breaks leaves another: the least that the alerts are made for.
        instances={},
        heal={},
        healing="on",
        faults_enabled=True,
        speed=speed,
        ephemeral=True,
    )


def free_ports() -> Ports:
    """Return ports from a block that nobody listens in; raise `TimescaleError` without one."""
    names = [item.name for item in fields(Ports) if item.name != "instances"]
    size = len(names) + INSTANCE_PORTS
    bases = range(MIN_PORT, MAX_PORT - size, size)
    # At random, so that two rehearsals that look at the same moment seldom meet.
    for base in random.sample(bases, len(bases)):
        if all(_free(port) for port in range(base, base + size)):
            ports = {name: base + place for place, name in enumerate(names)}
            return Ports(**ports, instances=base + len(names))
    raise TimescaleError(
        f"No {size} ports in a row are free from {MIN_PORT} to {MAX_PORT}:"
        " end a rehearsal that is still running."
    )


def _free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
