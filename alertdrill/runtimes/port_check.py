"""Check that ports are free, and name the program that uses one."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping

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
        error = _bind_error(address, port)
        if error == errno.EADDRNOTAVAIL:
            raise AddressError(
                f"LB_ADDRESS is {address}, which this machine does not have: set it to one it has."
            )
        if error:
            raise PortTakenError(
                f"Port {port} is in use{_owner(port)}: stop that program,"
                f" or set {variable} to a free port in .env."
            )


def _bind_error(address: str, port: int) -> int | None:
    """Return the `errno` of a bind to this port; None if it succeeds."""
    with socket.socket() as attempt:
        # As the programs do: a closing connection does not block the port.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((address, port))
        except OSError as error:
            return error.errno
    return None


def _owner(port: int) -> str:
    try:
        listening = [
            connection.pid
            for connection in psutil.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
            and connection.pid
            and connection.laddr
            and connection.laddr.port == port
        ]
        return f" by {psutil.Process(listening[0]).name()} (pid {listening[0]})"
    except (psutil.Error, IndexError):  # a process of another user, whose details are hidden
        return " by another program"
