"""What this instance is called, where nobody has said so: in a container of Docker Compose."""

from __future__ import annotations

import socket
from collections.abc import Callable

# As many replicas as the load balancer and Prometheus look for.
PLACES = 8


def name(service: str, project: str, resolve: Callable[[str], str] = socket.gethostbyname) -> str:
    """Return `web-2` in the second replica of `web`: the name whose address is our own.

    All replicas of a service are told the same, but each has a name of its own in the engine's
    name server: PROJECT-SERVICE-NUMBER. Elsewhere the host's name has to do.
    """
    host = socket.gethostname()
    if not project:
        return host
    try:
        own = resolve(host)
    except OSError:
        return host
    for number in range(1, PLACES + 1):
        try:
            if resolve(f"{project}-{service}-{number}") == own:
                return f"{service}-{number}"
        except OSError:  # no such replica
            continue
    return host
