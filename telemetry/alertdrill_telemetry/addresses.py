"""The addresses of this host: where to listen, and the default name of the instance."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress

from .errors import SettingsError

# The highest number of a replica that is looked for. Each one takes a question to the name server.
MAX_REPLICAS = 8


def listen_addresses(hosts: str) -> Sequence[str]:
    """Return the addresses to listen on: `hosts` is an address, or several names with commas.

    Of a name that replicas share, it is this host's own address. Raises `SettingsError` for a name
    without an address, and if none of several names has one of this host.
    """
    if "," not in hosts:
        try:
            socket.getaddrinfo(hosts.strip("[]"), None)
        except OSError as error:
            raise SettingsError(f"HOST is {hosts!r}: {error.strerror}.") from None
        return [hosts]
    addresses = [address for name in hosts.split(",") for address in _own_addresses(name)]
    if not addresses:
        raise SettingsError(f"HOST is {hosts!r}, which is no address of this host.")
    return list(dict.fromkeys(addresses))


def instance_name(service: str, project: str) -> str:
    """Return `web-2` in the second replica of `web`; outside Docker Compose, the host name.

    All replicas of a service have the same environment. In the engine's DNS each of them has its
    own name, PROJECT-SERVICE-NUMBER: the name with an address of this host gives the number.
    """
    for number in range(1, MAX_REPLICAS + 1) if project else ():
        if _own_addresses(f"{project}-{service}-{number}"):
            return f"{service}-{number}"
    return socket.gethostname()


def _own_addresses(name: str) -> Sequence[str]:
    """Return the addresses of a name that are this host's; none if it has no address."""
    own: list[str] = []
    with suppress(OSError):
        for entry in socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM):
            with suppress(OSError), socket.socket() as listener:  # another host's
                listener.bind((entry[4][0], 0))
                own.append(str(entry[4][0]))
    return own
