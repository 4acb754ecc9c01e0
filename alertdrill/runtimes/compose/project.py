"""One Compose project on its host: its settings, its commands, its engine and its files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...config import ROOT
from ...config.settings import StackSettings
from ...errors import AlertdrillError
from ...file_lock import file_lock
from ...toolchain.cache import default_cache
from . import variables
from .docker_client import DockerClient
from .errors import EngineError
from .replica_store import EngineReplicas

UNIX_SCHEME = "unix://"
FILE = ROOT / "docker-compose.yml"
# Building every image takes some minutes on a slow network.
TIMEOUT_S = 1800
# Words that start an error message of Compose.
ERROR_WORDS = ("error", "failed", "invalid", "denied", "unhealthy", "cannot", "no such", "required")


class ComposeCli:
    """The commands of one project, with `variables` for `docker-compose.yml` and its overlays."""

    def __init__(
        self, project: str, variables: Mapping[str, str], overlays: Sequence[Path] = ()
    ) -> None:
        self.project = project
        self.variables = dict(variables)
        self._overlays = overlays

    def with_variables(self, **more: str) -> ComposeCli:
        """Return a copy with more variables."""
        return ComposeCli(self.project, {**self.variables, **more}, self._overlays)

    @cached_property
    def engine_host(self) -> str:
        """Return the engine's address, as the docker command finds it."""
        if host := os.environ.get("DOCKER_HOST"):
            return host
        form = "{{.Endpoints.docker.Host}}"
        return self.docker("context", "inspect", "--format", form).strip()

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
        command_name = f"docker compose {arguments[0]}"
        return _run(
            self.command_line(*arguments, profiles=profiles), self.environment(), command_name
        )

    def command_line(self, *arguments: str, profiles: Sequence[str] = ()) -> list[str]:
        """Return the command line of a Compose command."""
        files = [item for file in (FILE, *self._overlays) for item in ("--file", str(file))]
        profile_arguments = [item for name in profiles for item in ("--profile", name)]
        project_arguments = ["--project-directory", str(ROOT), "--project-name", self.project]
        return [docker(), "compose", *project_arguments, *files, *profile_arguments, *arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment of a command; the settings override the caller's."""
        # Colours and progress bars are for terminals, and this output is parsed.
        return {
            **os.environ,
            **self.variables,
            "COMPOSE_ANSI": "never",
            "BUILDKIT_PROGRESS": "plain",
        }

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


@dataclass(frozen=True)
class ComposeProject:
    """The settings, the commands, the engine and the files of one project."""

    settings: StackSettings
    cli: ComposeCli

    @classmethod
    def from_settings(cls, settings: StackSettings) -> ComposeProject:
        """Return the project as docker-compose.yml declares it; this needs no engine."""
        return cls(settings, ComposeCli(settings.project, variables.from_settings(settings)))

    def resolve(self) -> ComposeProject:
        """Return the project with this engine's paths, and with the overlay that it writes."""
        cli = self.cli.with_variables(**self._engine_paths())
        text = variables.render_overlay(self.settings, cli.model())
        if text is None:
            return ComposeProject(self.settings, cli)
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "overlay.yml"
        file.write_text(text)
        return ComposeProject(self.settings, ComposeCli(cli.project, cli.variables, [file]))

    def with_variables(self, more: Mapping[str, str]) -> ComposeProject:
        """Return a copy with more variables."""
        return ComposeProject(self.settings, self.cli.with_variables(**more))

    @property
    def folder(self) -> Path:
        """The folder of the project's own files."""
        return self.settings.home / "compose"

    @cached_property
    def engine(self) -> DockerClient:
        """The engine that the docker command uses."""
        return DockerClient(self.settings.project, lambda: self.cli.engine_host)

    @property
    def replicas(self) -> EngineReplicas:
        """The replica counts, through the engine."""
        return EngineReplicas(self.engine, self.settings)

    def model(self) -> Mapping[str, Any]:
        """Return the resolved docker-compose.yml."""
        return self.cli.model()

    def port_variable(self, port: int) -> str:
        """Return the variable that sets a port."""
        names = {value: name for name, value in asdict(self.settings.ports).items()}
        return f"{names[port].upper()}_PORT"

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


def project_lock(settings: StackSettings) -> AbstractContextManager[None]:
    """Lock the project for this user; raise `LockedError` if another run holds the lock.

    Projects belong to the engine, so the folder of the checkout does not matter.
    """
    folder = (settings.cache or default_cache(os.environ)) / "locks"
    return file_lock(
        folder / settings.project,
        f"Another run uses the containers of {settings.project}: wait for it to end, or set"
        " COMPOSE_PROJECT_NAME to another name.",
    )


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
