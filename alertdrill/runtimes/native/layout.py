"""The native runtime's files and folders, all below one home folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ...errors import AlertdrillError

# A socket's path has at most 107 bytes on Linux, and HAProxy appends up to 12 while it binds.
MAX_SOCKET_PATH = 90
# For sockets if the home's path is long. Not TMPDIR: it may be long too, and differ by shell.
SHORT = Path("/tmp")  # noqa: S108 - a folder of another user is refused


class HomeError(AlertdrillError):
    """The home folder can't be used."""


@dataclass(frozen=True)
class Layout:
    """The folders and files below `home`, the `native` folder of a stack."""

    home: Path

    @property
    def logs(self) -> Path:
        """Logs: one rotated JSON-lines file for each instance."""
        return self.home / "logs"

    @property
    def etc(self) -> Path:
        """The configurations that the programs read: links to the committed files."""
        return self.home / "etc"

    @property
    def data(self) -> Path:
        """Data that outlives a restart: series, notifications, log offsets."""
        return self.home / "data"

    @property
    def scratch(self) -> Path:
        """Files that grow during a drill; deleted when the stack stops."""
        return self.home / "scratch"

    @property
    def supervisor_config(self) -> Path:
        """supervisord's configuration, which each `up` renders."""
        return self.home / "supervisord.conf"

    @property
    def state(self) -> Path:
        """The replica count of each service, if it differs from the settings."""
        return self.home / "state.json"

    @property
    def faults_token(self) -> Path:
        """The random token for `/faults`; only its owner can read it."""
        return self.home / "faults.token"

    @property
    def control_token(self) -> Path:
        """The random token of the control API; only its owner can read it."""
        return self.home / "control.token"

    @property
    def responder_token(self) -> Path:
        """The random token of the responder's API; only its owner can read it."""
        return self.home / "responder.token"

    @property
    def stack(self) -> Path:
        """The settings that the stack was started with, for the control API."""
        return self.home / "stack.json"

    @property
    def grafana_password(self) -> Path:
        """The random password of Grafana's `admin`; only its owner can read it."""
        return self.home / "grafana.password"

    @property
    def grafana_token(self) -> Path:
        """The token for Grafana annotations; only its owner can read it."""
        return self.home / "grafana.token"

    @property
    def lock(self) -> Path:
        """The lock file that a command holds while it changes the stack."""
        return self.home / "lock"

    @property
    def sockets(self) -> Path:
        """The folder for sockets; below /tmp if the path in `home` would be too long."""
        inside = self.home / "run"
        short = len(os.fsencode(inside / "supervisor.sock")) <= MAX_SOCKET_PATH
        if short and "," not in str(inside):  # HAProxy splits addresses at a comma
            return inside
        digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return SHORT / f"alertdrill-{digest}"

    @property
    def supervisor_socket(self) -> Path:
        """supervisord's command socket."""
        return self.sockets / "supervisor.sock"

    @property
    def lb_socket(self) -> Path:
        """The load balancer's command socket."""
        return self.sockets / "lb.sock"

    @property
    def lb_state(self) -> Path:
        """The saved state of the load balancer's servers, for its restart."""
        return self.home / "run" / "lb.state"

    @property
    def lb(self) -> Path:
        """The load balancer's working folder, with its generated files."""
        return self.etc / "lb"

    @property
    def targets(self) -> Path:
        """Prometheus's targets, as file_sd files."""
        return self.etc / "prometheus" / "targets"

    def make(self) -> None:
        """Create the folders, closed to other users; raise `HomeError` if that fails."""
        for folder in (
            self.home,
            self.logs,
            self.etc,
            self.data,
            self.sockets,
            self.lb_state.parent,
        ):
            _make(folder)
        # Below /tmp, another user may have created the folder before us.
        shared = not self.sockets.is_relative_to(self.home)
        if shared and self.sockets.lstat().st_uid != os.geteuid():
            raise HomeError(
                f"{self.sockets} belongs to another user: set ALERTDRILL_HOME to a shorter path."
            )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise HomeError(
            f"{folder} can't be created ({error.strerror}):"
            " set ALERTDRILL_HOME to a folder that you can write to."
        ) from error
