"""Commands of the load balancer: change the state of servers while it runs."""

from __future__ import annotations

import csv
import socket
from typing import Literal

from ...errors import AlertdrillError
from ..config_files import LB_DIGEST, write_atomically
from .layout import Layout

# Commands are answered within a millisecond; do not wait for a load balancer that hangs.
TIMEOUT_S = 2.0


class LoadBalancerError(AlertdrillError):
    """The load balancer refused a command or did not answer."""


class LoadBalancer:
    """HAProxy's stats socket.

    https://docs.haproxy.org/2.6/management.html#9.3 has the commands.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def set(self, service: str, name: str, state: Literal["ready", "drain", "maint"]) -> None:
        """Set a server to accept requests, to finish those it has, or to maintenance."""
        response = self._request(f"set server {service}/{name} state {state}").strip()
        if response:
            raise LoadBalancerError(
                f"The load balancer refused to set {name} to {state}: {response}"
            )
        self.save_state()

    def save_state(self) -> None:
        """Save the states of the servers for a restart or a reload, which forgets them."""
        write_atomically(self._layout.lb_state, self._request("show servers state"))

    def worker(self) -> int:
        """Return the process id of the worker; 0 if it does not answer."""
        try:
            lines = self._request("show info").splitlines()
        except LoadBalancerError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith("Pid:")), 0)

    def digest(self) -> str:
        """Return the digest of the configuration that it has read; empty if it does not answer."""
        try:
            line = self._request(f"show env {LB_DIGEST}")
        except LoadBalancerError:
            return ""
        return line.strip().removeprefix(f"{LB_DIGEST}=")

    def sessions(self, service: str, name: str) -> int:
        """Return the number of requests of a server, queued ones included."""
        row = self._row(service, name)
        return int(row["scur"]) + int(row["qcur"] or 0)

    def is_up(self, service: str, name: str) -> bool:
        """Return whether a server receives requests."""
        return self._row(service, name)["status"].startswith("UP")

    def _row(self, service: str, name: str) -> dict[str, str]:
        for row in csv.DictReader(self._request("show stat").lstrip("# ").splitlines()):
            if (row["pxname"], row["svname"]) == (service, name):
                return row
        raise LoadBalancerError(f"The load balancer has no server {name} in backend {service}.")

    def _request(self, command: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(TIMEOUT_S)
                connection.connect(str(self._layout.lb_socket))
                connection.sendall(command.encode() + b"\n")
                return b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        except OSError as error:
            raise LoadBalancerError(
                f"The load balancer does not answer ({error}): see `make logs S=lb`."
            ) from error
