"""Where the native runtime keeps what it writes, all of it under one folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ...errors import AlertdrillError

# A socket's path holds 107 bytes on Linux, and HAProxy appends up to 12 while it binds.
MAX_SOCKET_PATH = 90
# For sockets of a deep home. Not TMPDIR: it may be deep too, and differ from shell to shell.
SHORT = Path("/tmp")  # noqa: S108 - a folder of another user is refused


class HomeError(AlertdrillError):
    """The folder for everything that a run writes can't be used."""


@dataclass(frozen=True)
class Layout:
    """The folders and files below `home`, the `native` folder of a stack."""

    home: Path

    @property
    def logs(self) -> Path:
        """One JSON-lines file an instance, rotated."""
        return self.home / "logs"

    @property
    def etc(self) -> Path:
        """The configurations as the programs read them: links to the committed files."""
        return self.home / "etc"

    @property
    def data(self) -> Path:
        """What must outlive a restart: series, notifications, positions in logs."""
        return self.home / "data"

    @property
    def scratch(self) -> Path:
        """For files that grow while a drill lasts; it goes when the stack does."""
        return self.home / "scratch"

    @property
    def supervisor_config(self) -> Path:
        """supervisord's configuration, rendered anew by each `up`."""
        return self.home / "supervisord.conf"

    @property
    def state(self) -> Path:
        """What was asked for beyond the settings: the scale of each service."""
        return self.home / "state.json"

    @property
    def token(self) -> Path:
        """The random token for `/faults`, readable by its owner alone."""
        return self.home / "faults.token"

    @property
    def control_token(self) -> Path:
        """The random token of the control API, readable by its owner alone."""
        return self.home / "control.token"

    @property
    def responder_token(self) -> Path:
        """The random token of the responder's own API, readable by its owner alone."""
        return self.home / "responder.token"

    @property
    def stack(self) -> Path:
        """The settings that the stack was started with, for the control API."""
        return self.home / "stack.json"

    @property
    def grafana_password(self) -> Path:
        """The random password of Grafana's `admin`, readable by its owner alone."""
        return self.home / "grafana.password"

    @property
    def grafana_token(self) -> Path:
        """The token for annotations in Grafana, readable by its owner alone."""
        return self.home / "grafana.token"

    @property
    def lock(self) -> Path:
        """Held while a command changes the stack."""
        return self.home / "lock"

    @property
    def sockets(self) -> Path:
        """The folder for sockets, near the root where `home` is too deep for one."""
        inside = self.home / "run"
        short = len(os.fsencode(inside / "supervisor.sock")) <= MAX_SOCKET_PATH
        if short and "," not in str(inside):  # where HAProxy sees a second address begin
            return inside
        digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return SHORT / f"alertdrill-{digest}"

    @property
    def supervisor_socket(self) -> Path:
        """Where supervisord takes commands."""
        return self.sockets / "supervisor.sock"

    @property
    def lb_socket(self) -> Path:
        """Where the load balancer takes commands."""
        return self.sockets / "lb.sock"

    @property
    def lb_state(self) -> Path:
        """The load balancer's servers as they were, for its restart."""
        return self.home / "run" / "lb.state"

    @property
    def lb(self) -> Path:
        """What the load balancer reads of the services; it runs here."""
        return self.etc / "lb"

    @property
    def targets(self) -> Path:
        """What Prometheus scrapes, as file_sd reads it."""
        return self.etc / "prometheus" / "targets"

    def make(self) -> None:
        """Create the folders, closed to other users; raise `HomeError` where that can't be."""
        for folder in (
            self.home,
            self.logs,
            self.etc,
            self.data,
            self.sockets,
            self.lb_state.parent,
        ):
            _make(folder)
        # Anybody may have made it before us, near the root.
        shared = not self.sockets.is_relative_to(self.home)
        if shared and self.sockets.lstat().st_uid != os.geteuid():
            raise HomeError(
                f"{self.sockets} is another user's: set ALERTDRILL_HOME to a folder less deep."
            )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise HomeError(
            f"{folder} can't be made ({error.strerror}):"
            " set ALERTDRILL_HOME to a folder that you can write to."
        ) from error
