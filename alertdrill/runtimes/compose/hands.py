"""What every operation on a stack of containers works with."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import AlertdrillError
from ...settings import StackSettings
from .command import Compose
from .engine import Engine
from .overlay import overlay
from .scale import ListedScale
from .variables import of_settings

UNIX = "unix://"


class Hands:
    """The engine, Compose and the files of one project, on the host."""

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self.folder = settings.home / "compose"
        self.compose = Compose(settings.project, of_settings(settings))
        self.engine = Engine(settings.project, lambda: self.compose.host)
        self.scale = ListedScale(self.engine, settings)

    def model(self) -> Mapping[str, Any]:
        """Return docker-compose.yml with every value filled in."""
        return self.compose.model()

    def variable(self, port: int) -> str:
        """Return the variable that sets a port."""
        names = {value: name for name, value in asdict(self.settings.ports).items()}
        return f"{names[port].upper()}_PORT"

    def write_overlay(self) -> None:
        """Write what this stack changes of docker-compose.yml, and use it from now on."""
        self.compose = self.compose.given(**self._places())
        text = overlay(self.settings, self.model())
        if text is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "overlay.yml"
        file.write_text(text)
        self.compose = Compose(self.settings.project, self.compose.variables, [file])

    def leave_out(self, variables: Mapping[str, str]) -> None:
        """Use variables that leave parts out from now on."""
        self.compose = self.compose.given(**variables)

    def _places(self) -> dict[str, str]:
        """Return where this engine is, if nobody has said otherwise."""
        found = {}
        defaults = StackSettings(home=Path())
        if self.settings.docker_socket == defaults.docker_socket and self.compose.host.startswith(
            UNIX
        ):
            found["DOCKER_SOCKET"] = self.compose.host.removeprefix(UNIX)
        if self.settings.docker_root == defaults.docker_root:
            root = self.compose.docker("info", "--format", "{{.DockerRootDir}}").strip()
            found["DOCKER_ROOT"] = root or defaults.docker_root
        return found

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other commands from changing this stack meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise AlertdrillError(
                    "Another alertdrill command is changing this stack: wait for it to end."
                ) from None
            yield
