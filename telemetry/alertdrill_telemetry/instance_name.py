"""The default name of this instance in a container of Docker Compose."""

from __future__ import annotations

import socket
from collections.abc import Callable

# The number of replicas that the load balancer and Prometheus look for.
MAX_REPLICAS = 8


def default_name(
    service: str, project: str, resolve: Callable[[str], str] = socket.gethostbyname
) -> str:
    """Return `web-2` in the second replica of `web`; outside Compose, the host name.

    All replicas of a service have the same environment. In the engine's DNS each of them has its
    own name, PROJECT-SERVICE-NUMBER: the name with this host's address gives the number.
    """
    host = socket.gethostname()
    if not project:
        return host
    try:
        address = resolve(host)
    except OSError:
        return host
    for number in range(1, MAX_REPLICAS + 1):
        try:
            if resolve(f"{project}-{service}-{number}") == address:
                return f"{service}-{number}"
        except OSError:  # this replica does not exist
            continue
    return host
