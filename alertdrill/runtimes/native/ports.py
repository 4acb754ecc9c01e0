"""Are the ports free, and if not, who has them?"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping

import psutil

from ...errors import AlertdrillError


class PortTakenError(AlertdrillError):
    """Another program listens where a part of the stack should."""


class AddressError(AlertdrillError):
    """The load balancer is to listen at an address of another machine."""


def check(wanted: Mapping[tuple[str, int], str]) -> None:
    """Raise `PortTakenError` naming the first port that is taken, its holder and the way out.

    `wanted` says which variable sets the port at each address.
    """
    for (address, port), variable in wanted.items():
        refused = _refused(address, port)
        if refused == errno.EADDRNOTAVAIL:
            raise AddressError(
                f"LB_ADDRESS is {address}, which this machine does not have: set it to one it has."
            )
        if refused:
            raise PortTakenError(
                f"Port {port} is taken{_holder(port)}: stop that program,"
                f" or set {variable} to a free port in .env."
            )


def _refused(address: str, port: int) -> int | None:
    """Return why one cannot listen there, as a number of `errno`; None where one can."""
    with socket.socket() as attempt:
        # As the programs do it: a connection that is just closing does not hold the port.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((address, port))
        except OSError as error:
            return error.errno
    return None


def _holder(port: int) -> str:
    try:
        listening = [
            found.pid
            for found in psutil.net_connections("inet")
            if found.status == psutil.CONN_LISTEN
            and found.pid
            and found.laddr
            and found.laddr.port == port
        ]
        return f" by {psutil.Process(listening[0]).name()} (pid {listening[0]})"
    except (psutil.Error, IndexError):  # another user's, whom we may not look at
        return " by another program"
