"""The native runtime's files and folders, all below one home folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from ...config import ROOT
from ...config.service import SECRETS, Service
from ...errors import AlertdrillError
from ..alertmanager_login import PASSWORD

# A socket's path has at most 107 bytes on Linux, and HAProxy appends up to 12 while it binds.
MAX_SOCKET_PATH = 90
# For sockets if the home's path is long. Not TMPDIR: it may be long too, and differ by shell.
SHORT = Path("/tmp")  # noqa: S108 - a folder of another user is refused


class HomeError(AlertdrillError):
    """The home folder can't be used."""


class Layout:
    """The folders and files below `home`, the `native` folder of a stack."""

    def __init__(self, home: Path) -> None:
        self.home = home
        # A rotated JSON-lines file for each instance.
        self.logs = home / "logs"
        # The configurations that the programs read: links to the committed files.
        self.etc = home / "etc"
        # HAProxy's working folder, and Prometheus's file_sd files.
        self.lb = self.etc / "lb"
        self.targets = self.etc / "prometheus" / "targets"
        # Data that outlives a restart: series, notifications, log offsets.
        self.data = home / "data"
        # Files that grow during a drill; deleted when the stack stops.
        self.scratch = home / "scratch"
        self.supervisor_config = home / "supervisord.conf"
        # The replica counts, once a service was scaled.
        self.replicas = home / "state.json"
        # Of the files that components have read and that may change while they run.
        self.digests = home / "digests.json"
        # The settings that the stack was started with, for the control API.
        self.stack = home / "stack.json"
        self.lock = home / "lock"
        # Random secrets, which only their owner can read.
        self.faults_token = home / "faults.token"
        self.control_token = home / "control.token"
        self.responder_token = home / "responder.token"
        self.grafana_password = home / "grafana.password"
        # Alertmanager's login: its password, and the files that follow it.
        self.alertmanager_login = home / "alertmanager"
        self.alertmanager_password = self.alertmanager_login / PASSWORD
        # The states of the load balancer's servers, for its restart.
        self.lb_state = home / "run" / "lb.state"
        self.sockets = _socket_folder(home)
        self.supervisor_socket = self.sockets / "supervisor.sock"
        self.lb_socket = self.sockets / "lb.sock"

    def volume(self, service: str, name: str) -> Path:
        """Return the folder of a volume of a service."""
        return self.data / "services" / service / name

    def secret(self, service: Service, name: str) -> Path:
        """Return the file of a secret of a service, in SECRETS if the operator provides it."""
        folder = ROOT / SECRETS if service.secrets[name] == "provided" else self.home / "secrets"
        return folder / service.name / name

    def files_of(self, service: Service) -> Mapping[str, str]:
        """Return the path of each volume and secret of a service."""
        volumes = {name: str(self.volume(service.name, name)) for name in service.volumes}
        return volumes | {name: str(self.secret(service, name)) for name in service.secrets}

    def make(self) -> None:
        """Create the folders, closed to other users; raise `HomeError` if that fails."""
        folders = self.home, self.logs, self.etc, self.data, self.sockets, self.lb_state.parent
        for folder in folders:
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise HomeError(
                    f"{folder} can't be created ({error.strerror}):"
                    " set ALERTDRILL_HOME to a folder that you can write to."
                ) from error
        # Below /tmp, another user may have created the folder before us.
        shared = not self.sockets.is_relative_to(self.home)
        if shared and self.sockets.lstat().st_uid != os.geteuid():
            raise HomeError(
                f"{self.sockets} belongs to another user: set ALERTDRILL_HOME to a shorter path."
            )


def _socket_folder(home: Path) -> Path:
    """Return a folder for sockets below `home`, or below /tmp if their paths would be too long."""
    inside = home / "run"
    short = len(os.fsencode(inside / "supervisor.sock")) <= MAX_SOCKET_PATH
    if short and "," not in str(inside):  # HAProxy splits addresses at a comma
        return inside
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    return SHORT / f"alertdrill-{digest}"
