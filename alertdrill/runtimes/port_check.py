"""Check that ports are free, and name the program that uses one."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import suppress

import psutil

from ..errors import AlertdrillError


class PortTakenError(AlertdrillError):
    """Another program listens on a port of the stack."""


class AddressError(AlertdrillError):
    """The load balancer's address belongs to another machine."""


def check(wanted: Mapping[tuple[str, int], str]) -> None:
    """Raise `PortTakenError` with the first port in use, its owner and what to do.

    `wanted` is {(address, port): variable that sets the port}.
    """
    for (address, port), variable in wanted.items():
        with socket.socket() as attempt:
            # As the programs do: a closing connection does not block the port.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind((address, port))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    raise AddressError(
                        f"LB_ADDRESS is {address}, which this machine does not have:"
                        " set it to one it has."
                    ) from None
                raise PortTakenError(
                    f"Port {port} is in use by {_owner(port)}: stop that program,"
                    f" or set {variable} to a free port in .env."
                ) from None


def _owner(port: int) -> str:
    with suppress(psutil.Error):
        for connection in psutil.net_connections("inet"):
            listens = connection.status == psutil.CONN_LISTEN and connection.pid
            if listens and connection.laddr and connection.laddr.port == port:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another program"  # of another user: its details are hidden
