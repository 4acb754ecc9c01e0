"""One Compose project on its host: its settings, its commands, its engine and its files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ...config import ROOT
from ...config.services import SERVICES
from ...config.settings import StackSettings
from ...errors import AlertdrillError
from ...file_lock import file_lock
from ..errors import EngineError
from . import init_config
from .docker_client import DockerClient
from .variables import render_overlay, settings_variables

UNIX_SCHEME = "unix://"
FILE = ROOT / "docker-compose.yml"
# It mounts the volume with the replica counts, on every host.
VOLUME_SERVICE = "prometheus"
# Building every image takes some minutes on a slow network.
TIMEOUT_S = 1800
# Words that start an error message of Compose.
ERROR_WORDS = ("error", "failed", "invalid", "denied", "unhealthy", "cannot", "no such", "required")


@dataclass(frozen=True)
class ComposeProject:
    """One project: its settings, more variables for docker-compose.yml, and its overlays.

    Every command has the variables of the settings; `more` overrides them.
    """

    settings: StackSettings
    more: Mapping[str, str] = field(default_factory=dict)
    overlays: Sequence[Path] = ()

    def resolve(self) -> ComposeProject:
        """Return the project with this engine's paths, and with the overlay that it writes."""
        project = self.with_variables(self._engine_paths())
        text = render_overlay(self.settings, project.model())
        if text is None:
            return project
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "overlay.yml"
        file.write_text(text)
        return replace(project, overlays=[file])

    def with_variables(self, more: Mapping[str, str]) -> ComposeProject:
        """Return a copy with more variables."""
        return replace(self, more={**self.more, **more})

    @property
    def folder(self) -> Path:
        """The folder of the project's own files."""
        return self.settings.home / "compose"

    @cached_property
    def engine_host(self) -> str:
        """The engine's address, as the docker command finds it."""
        if host := os.environ.get("DOCKER_HOST"):
            return host
        form = "{{.Endpoints.docker.Host}}"
        return self.docker("context", "inspect", "--format", form).strip()

    @cached_property
    def engine(self) -> DockerClient:
        """The engine that the docker command uses."""
        return DockerClient(self.settings.project, lambda: self.engine_host)

    def replicas(self) -> dict[str, int]:
        """Return the replica count of every service; the settings' counts if the stack is down.

        Every command that scales writes it to a volume, from the host or from inside.
        """
        counts = {service: self.settings.min_replicas(service) for service in SERVICES}
        containers = self.engine.containers()
        names = [item.name for item in containers if item.service == VOLUME_SERVICE]
        if not names or not any(item.pid for item in containers):
            return counts
        text = self.engine.read(names[0], str(init_config.ETC / init_config.REPLICAS_FILE))
        with suppress(ValueError):  # cut off by a crash: use the settings
            counts |= json.loads(text or "{}")
        return counts

    def require_engine(self) -> None:
        """Raise `EngineError` unless an engine and Compose are available."""
        self.docker("version", "--format", "{{.Server.Version}}")
        self.run("version")

    def model(self, profiles: Sequence[str] = ()) -> dict[str, Any]:
        """Return the docker-compose.yml that Compose resolves, with every value filled in."""
        printed = self.run("config", "--format", "json", profiles=profiles)
        loaded: dict[str, Any] = json.loads(printed)
        return loaded

    def run(self, *arguments: str, profiles: Sequence[str] = ()) -> str:
        """Run a Compose command and return its output; raise `EngineError` with its error."""
        command = self.command_line(*arguments, profiles=profiles)
        return _run(command, self.environment(), f"docker compose {arguments[0]}")

    def command_line(self, *arguments: str, profiles: Sequence[str] = ()) -> list[str]:
        """Return the command line of a Compose command."""
        files = [item for file in (FILE, *self.overlays) for item in ("--file", str(file))]
        names = [item for name in profiles for item in ("--profile", name)]
        project = ["--project-directory", str(ROOT), "--project-name", self.settings.project]
        return [docker(), "compose", *project, *files, *names, *arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment of a command; the settings override the caller's."""
        # Colours and progress bars are for terminals, and this output is parsed.
        plain = {"COMPOSE_ANSI": "never", "BUILDKIT_PROGRESS": "plain"}
        return {**os.environ, **settings_variables(self.settings), **self.more, **plain}

    def docker(self, *arguments: str) -> str:
        """Run a docker command and return its output."""
        return _run([docker(), *arguments], dict(os.environ), f"docker {arguments[0]}")

    def has_image(self, image: str) -> bool:
        """Return whether an image is on this host."""
        try:
            self.docker("image", "inspect", "--format", "{{.Id}}", image)
        except EngineError:
            return False
        return True

    def port_variable(self, port: int) -> str:
        """Return the variable that sets a port."""
        names = {value: name for name, value in asdict(self.settings.ports).items()}
        return f"{names[port].upper()}_PORT"

    def _engine_paths(self) -> dict[str, str]:
        """Return the paths of this engine that the settings leave at their defaults."""
        paths = {}
        defaults = StackSettings(home=Path())
        if self.settings.docker_socket == defaults.docker_socket and self.engine_host.startswith(
            UNIX_SCHEME
        ):
            paths["DOCKER_SOCKET"] = self.engine_host.removeprefix(UNIX_SCHEME)
        if self.settings.docker_root == defaults.docker_root:
            root = self.docker("info", "--format", "{{.DockerRootDir}}").strip()
            paths["DOCKER_ROOT"] = root or defaults.docker_root
        return paths

    def lock(self) -> AbstractContextManager[None]:
        """Lock this stack against other commands."""
        busy = "Another alertdrill command is changing this stack: wait for it to end."
        return file_lock(self.folder / "lock", busy)


def docker() -> str:
    """Return the path of the docker command."""
    path = shutil.which("docker")
    if path is None:
        raise EngineError("docker is not on the PATH: install it, or use RUNTIME=native.")
    return path


def _run(command: Sequence[str], environment: Mapping[str, str], command_name: str) -> str:
    try:
        result = subprocess.run(  # noqa: S603 - docker itself, our own arguments, no shell
            command,
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AlertdrillError(f"{command_name} did not end within {TIMEOUT_S} s.") from None
    if result.returncode != 0:
        raise EngineError(f"{command_name} failed: {error_line(result.stderr or result.stdout)}")
    return result.stdout


def error_line(output: str) -> str:
    """Return the line of an output that describes the error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if any(word in line.lower() for word in ERROR_WORDS)]
    return (errors or lines or ["it printed no error."])[-1]
