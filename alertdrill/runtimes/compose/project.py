"""One Compose project on its host: its settings, its commands, its engine and its files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

from ...config import ROOT, env_block
from ...config.components import COMPONENTS
from ...config.compose_services import external_overlay
from ...config.services import SERVICES, min_replicas
from ...config.settings import StackSettings, variables
from ...file_lock import file_lock
from ...toolchain.commands import CommandError, find_command, run
from .. import speed
from ..engine import UNIX, ProjectEngine
from ..errors import EngineError
from . import init_config

FILE = ROOT / "docker-compose.yml"
ENV = ROOT / ".env"
# Containers listen on the ports of docker-compose.yml; the host publishes these.
PUBLISHED = ("lb", "locust", *(item.setting for item in COMPONENTS.values() if item.published))
# It mounts the volume with the replica counts, on every host.
VOLUME_SERVICE = "prometheus"
# The overlay with the services of other repositories.
EXTERNAL = "external.yml"
# Building every image takes some minutes on a slow network.
TIMEOUT_S = 1800
# Colours and progress bars are for terminals, and this output is parsed.
PLAIN_OUTPUT = {"COMPOSE_ANSI": "never", "BUILDKIT_PROGRESS": "plain"}


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
        paths, defaults = {}, StackSettings(home=Path())
        if self.settings.docker_socket == defaults.docker_socket and self.engine_host.startswith(
            UNIX
        ):
            paths["DOCKER_SOCKET"] = self.engine_host.removeprefix(UNIX)
        if self.settings.docker_root == defaults.docker_root:
            root = self.docker("info", "--format", "{{.DockerRootDir}}").strip()
            paths["DOCKER_ROOT"] = root or defaults.docker_root
        project = self.with_variables(paths)._with_external_services()
        text = render_overlay(self.settings, project.model())
        if text is None:
            return project
        return project._with_overlay("overlay.yml", text)

    def with_overlay(self, document: Mapping[str, Any]) -> ComposeProject:
        """Return a copy with one more overlay for its commands."""
        # JSON is valid YAML. Compose would read a single dollar as a variable.
        text = json.dumps(document, indent=2).replace("$", "$$") + "\n"
        return self._with_overlay("command.yml", text)

    def _with_overlay(self, name: str, text: str) -> ComposeProject:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / name
        file.write_text(text)
        return replace(self, overlays=[*self.overlays, file])

    def _with_external_services(self) -> ComposeProject:
        override = ROOT / "docker-compose.override.yml"
        own = [override] if override.exists() and not self.settings.ephemeral else []
        compose = yaml.safe_load(FILE.read_text(encoding="utf-8"))
        text = external_overlay(SERVICES, compose)
        project = self
        if text:
            project = replace(self, overlays=own)._with_overlay(EXTERNAL, text)
        elif not (dotenv_values(ENV).get("COMPOSE_FILE") or "").endswith(EXTERNAL):
            return self
        # So that a plain `docker compose` sees them, too, and no longer when they have gone.
        files = [os.path.relpath(file, ROOT) for file in (FILE, *(project.overlays or own))]
        return project.with_variables({"COMPOSE_FILE": ":".join(files)})

    def with_variables(self, more: Mapping[str, str]) -> ComposeProject:
        """Return a copy with more variables."""
        return replace(self, more={**self.more, **more})

    def record(self) -> None:
        """Write into `.env` the variables that Compose needs on this host, and only we know.

        So a plain `docker compose` command sees the same values, and changes no container.
        """
        settings = settings_variables(self.settings)
        values = {name: value for name, value in self.more.items() if settings.get(name) != value}
        if not values.get("COMPOSE_FILE", "").endswith(EXTERNAL):
            values.pop("COMPOSE_FILE", None)
        if not self.settings.ephemeral:
            env_block.HOST.write(ENV, values)

    def shell_variables(self) -> Sequence[str]:
        """Return the variables that differ from `.env`, so that a plain Compose sees others."""
        if self.settings.ephemeral:
            return []
        defaults = settings_variables(StackSettings(home=Path()))
        plain = {**defaults, **{name: value for name, value in dotenv_values(ENV).items() if value}}
        settings = settings_variables(self.settings)
        return [name for name in settings if name in os.environ and plain[name] != settings[name]]

    @property
    def folder(self) -> Path:
        """The folder of the project's own files."""
        return self.settings.home / "compose"

    @cached_property
    def engine_host(self) -> str:
        """The engine's address, as the docker command finds it."""
        form = "{{.Endpoints.docker.Host}}"
        return (
            os.environ.get("DOCKER_HOST")
            or self.docker("context", "inspect", "--format", form).strip()
        )

    @cached_property
    def engine(self) -> ProjectEngine:
        """The engine that the docker command uses."""
        return ProjectEngine(self.engine_host, self.settings.project)

    def replicas(self) -> dict[str, int]:
        """Return the replica count of every service; the settings' counts if the stack is down.

        Every command that scales writes it to a volume, from the host or from inside.
        """
        counts = min_replicas()
        containers = self.engine.containers()
        names = [item.name for item in containers if item.service == VOLUME_SERVICE]
        if not names or not any(item.pid for item in containers):
            return counts
        text = self.engine.read(names[0], str(init_config.ETC / init_config.REPLICAS_FILE))
        with suppress(ValueError):  # cut off by a crash: use the settings
            stored = json.loads(text or "{}")
            counts |= {name: stored[name] for name in SERVICES if name in stored}
        return counts

    def config_hashes(self) -> Mapping[str, str]:
        """Return the hash of the configuration of each service, as Compose labels containers."""
        lines = self.run("config", "--hash", "*").splitlines()
        return dict(line.split() for line in lines)

    def model(self, profiles: Sequence[str] = ()) -> dict[str, Any]:
        """Return the docker-compose.yml that Compose resolves, with every value filled in."""
        printed = self.run("config", "--format", "json", profiles=profiles)
        loaded: dict[str, Any] = json.loads(printed)
        return loaded

    def run(self, *arguments: str, profiles: Sequence[str] = ()) -> str:
        """Run a Compose command and return its output; raise `EngineError` with its error."""
        command = self.command_line(*arguments, profiles=profiles)
        return _run(command, f"docker compose {arguments[0]}", **self._variables())

    def command_line(self, *arguments: str, profiles: Sequence[str] = ()) -> list[str]:
        """Return the command line of a Compose command.

        Without overlays Compose looks for its files itself, so that it sees what it sees without
        us: COMPOSE_FILE, or docker-compose.yml and docker-compose.override.yml.
        """
        named = (FILE, *self.overlays) if self.overlays else ()
        files = [item for file in named for item in ("--file", str(file))]
        names = [item for name in profiles for item in ("--profile", name)]
        project = ["--project-directory", str(ROOT), "--project-name", self.settings.project]
        return [docker(), "compose", *project, *files, *names, *arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment of a command; the settings override the caller's."""
        return {**os.environ, **self._variables()}

    def _variables(self) -> dict[str, str]:
        return {**settings_variables(self.settings), **self.more, **PLAIN_OUTPUT}

    def docker(self, *arguments: str) -> str:
        """Run a docker command and return its output."""
        return _run([docker(), *arguments], f"docker {arguments[0]}")

    def image_id(self, image: str) -> str:
        """Return the id of an image; empty if it is not on this host."""
        try:
            return self.docker("image", "inspect", "--format", "{{.Id}}", image).strip()
        except EngineError:
            return ""

    def has_image(self, image: str) -> bool:
        """Return whether an image is on this host."""
        return bool(self.image_id(image))

    def lock(self) -> AbstractContextManager[object]:
        """Lock this stack against other commands."""
        busy = "Another alertdrill command is changing this stack: wait for it to end."
        return file_lock(self.folder / "lock", busy)


def docker() -> str:
    """Return the path of the docker command."""
    path = find_command("docker")
    if path is None:
        raise EngineError("docker is not on the PATH: install it, or use RUNTIME=native.")
    return path


def _run(command: Sequence[str], title: str, **environment: str) -> str:
    try:
        return run(*command, cwd=ROOT, timeout=TIMEOUT_S, **environment)
    except CommandError as error:
        reason = str(error).removeprefix(f"{command[0]}: ")
        raise EngineError(f"{title} failed: {reason}") from None


def settings_variables(settings: StackSettings) -> Mapping[str, str]:
    """Return every variable of docker-compose.yml that the settings determine."""
    values: dict[str, Any] = {
        "SPEED": f"{settings.speed:g}",
        "WATCHDOG_TIMEOUT": speed.watchdog_timeout(settings.speed),
    }
    for name, (place, *keys) in variables().items():
        value = getattr(settings, place)
        if keys:
            value = value.get(keys[0], "") if isinstance(value, Mapping) else vars(value)[keys[0]]
        elif place in ("home", "cache", "runtime"):
            continue  # for the host only
        values[name] = int(value) if isinstance(value, bool) else value
    return {name: str(value) for name, value in values.items()}


def render_overlay(settings: StackSettings, model: Mapping[str, Any]) -> str | None:
    """Return an overlay for Compose; None if the stack needs no changes.

    `model` is the resolved file: {"services": {name: {"command": [...]}}}.
    """
    if settings.speed == 1 and not settings.ephemeral:
        return None
    # Allows an ephemeral stack to backfill and delete series; other stacks forbid it.
    admin = ["--web.enable-admin-api"] if settings.ephemeral else []
    flags = {
        "prometheus": [*speed.prometheus_flags(settings.speed), *admin],
        "loki": speed.loki_flags(settings.speed),
        "blackbox-exporter": [f"--timeout-offset={speed.timeout_offset(settings.speed)}"],
    }
    changed = {}
    for service, added in flags.items():
        # They replace flags of the same name.
        names = {flag.partition("=")[0] for flag in added}
        command = model["services"][service]["command"]
        kept = [flag for flag in command if flag.partition("=")[0] not in names]
        changed[service] = {"command": [*kept, *added]}
    # JSON is valid YAML. Compose would read a single dollar as a variable.
    return json.dumps({"services": changed}, indent=2).replace("$", "$$") + "\n"
