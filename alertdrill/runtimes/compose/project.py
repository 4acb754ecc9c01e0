"""One Compose project: its settings, Docker engine, command line and files, on the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...config.settings import StackSettings
from ...file_lock import file_lock
from .compose_cli import ComposeCli
from .docker_client import DockerClient
from .overlay import render_overlay
from .replica_store import EngineReplicas
from .variables import from_settings

UNIX_SCHEME = "unix://"


class ComposeProject:
    """The settings, the engine, Compose and the files of one project, on the host."""

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self.folder = settings.home / "compose"
        self.cli = ComposeCli(settings.project, from_settings(settings))
        self.engine = DockerClient(settings.project, lambda: self.cli.engine_host)
        self.replicas = EngineReplicas(self.engine, settings)

    def model(self) -> Mapping[str, Any]:
        """Return the resolved docker-compose.yml."""
        return self.cli.model()

    def port_variable(self, port: int) -> str:
        """Return the variable that sets a port."""
        names = {value: name for name, value in asdict(self.settings.ports).items()}
        return f"{names[port].upper()}_PORT"

    def write_overlay(self) -> None:
        """Write this stack's overlay of docker-compose.yml, and use it from now on."""
        self.cli = self.cli.with_variables(**self._engine_paths())
        text = render_overlay(self.settings, self.model())
        if text is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "overlay.yml"
        file.write_text(text)
        self.cli = ComposeCli(self.settings.project, self.cli.variables, [file])

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Use more variables from now on."""
        self.cli = self.cli.with_variables(**variables)

    def _engine_paths(self) -> dict[str, str]:
        """Return the paths of this engine that the settings leave at their defaults."""
        paths = {}
        defaults = StackSettings(home=Path())
        if (
            self.settings.docker_socket == defaults.docker_socket
            and self.cli.engine_host.startswith(UNIX_SCHEME)
        ):
            paths["DOCKER_SOCKET"] = self.cli.engine_host.removeprefix(UNIX_SCHEME)
        if self.settings.docker_root == defaults.docker_root:
            root = self.cli.docker("info", "--format", "{{.DockerRootDir}}").strip()
            paths["DOCKER_ROOT"] = root or defaults.docker_root
        return paths

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock this stack against other commands."""
        busy = "Another alertdrill command is changing this stack: wait for it to end."
        with file_lock(self.folder / "lock", busy):
            yield
