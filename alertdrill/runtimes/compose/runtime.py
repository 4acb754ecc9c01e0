"""The Compose runtime on the host: start and stop the containers, and read their logs."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from itertools import takewhile
from typing import IO, Any

from ...clients.alertmanager import USER
from ...config.services import SERVICES, all_components
from ...config.settings import LOCAL_REGISTRY, StackSettings
from ...timescale.ephemeral_stack_settings import ephemeral_identity
from .. import port_check
from ..base import (
    ProgressCallback,
    project_lock,
    require_secrets,
    require_service,
    test_command,
)
from ..engine import Container, ProjectEngine
from ..errors import EngineError, ServiceNotReadyError, UnknownTargetError
from . import images, leftovers, live_update, renewal
from .containers import LOOPBACK, ContainerRuntime, published_port
from .project import ComposeProject

# The components with a page for users, and its path.
PAGES = {"prometheus": "/", "alertmanager": "/", "responder": "/", "grafana": "/", "loki": "/ready"}
# Compose's format of a log line: `web-1  | text`.
LOGGED = re.compile(r"(\S+)\s+\| ?(.*)", re.DOTALL)
# Short enough that lines appear as they are written.
POLL_INTERVAL_S = 0.2
CHUNK = 65536
# The service of docker-compose.yml whose image has every test.
TEST = "test"


class ComposeRuntime(ContainerRuntime):
    """The stack as containers of one project, seen from its host; a `StackRuntime`."""

    # Compose follows only the containers that run when it starts.
    follows_new_instances = False

    def __init__(self, settings: StackSettings) -> None:
        super().__init__(settings)
        self._project = ComposeProject(settings)

    @property
    def _engine(self) -> ProjectEngine:
        return self._project.engine

    def address(self, component: str) -> str:
        """Return the URL of a component of the stack, such as `prometheus`."""
        port = published_port(self._settings, component)
        if port is None:
            raise UnknownTargetError(f"{component!r} has no published port: see `make status`.")
        return f"http://{LOOPBACK}:{port}"

    def addresses(self) -> Mapping[str, str]:
        """Return the user-facing URLs, by title."""
        everywhere = self._settings.lb_address == "0.0.0.0"  # noqa: S104 - compared, not bound
        public = LOOPBACK if everywhere else self._settings.lb_address
        running = {container.service for container in self._engine.running()}
        return {
            "Services": f"http://{public}:{self._settings.ports.lb}/",
            "Load balancer": f"{self.address('lb-stats')}/",
            **{
                component.capitalize(): f"{self.address(component)}{path}"
                for component, path in PAGES.items()
                if component in running
            },
        }

    def _instance_address(self, container: Container) -> str:
        port = published_port(self._settings, container.service)
        if port is not None:
            return f"{LOOPBACK}:{port}"
        component = all_components().get(container.service)
        inner = f":{component.port}" if component and component.port else ""
        return f"{container.name}{inner}"

    def check(self, on_progress: ProgressCallback) -> None:
        """Check docker-compose.yml without starting anything."""
        self._project.run("config", "--quiet", profiles=["*"])
        on_progress("docker-compose.yml is valid")

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        """Start what is not running; return a sentence for each optional component left out."""
        self._require_engine()
        for service in SERVICES.values():
            require_secrets(service)
        with self._project.lock():
            is_new = not self._engine.running()
            if is_new:
                self._check_ports()
            project = self._project.resolve()
            model = project.model()
            messages, variables = images.ensure_images(project, model, on_progress)
            project = project.with_variables(variables)
            try:
                _start(project, model, on_progress)
            except ServiceNotReadyError:
                project.record()
                raise  # the others serve
            except BaseException:
                if is_new:
                    _stop(project, on_progress)  # also on Ctrl-C: leave no partial stack
                raise
            project.record()
        if names := self._project.shell_variables():
            on_progress(
                f"Only this shell sets {', '.join(names)}: set them in .env, or a plain `docker"
                " compose` command replaces containers"
            )
        cat = "docker compose exec {} cat /run/secrets/{}"
        on_progress(f"Grafana's password for `admin`: {cat.format('grafana', 'grafana/password')}")
        page = f"Alertmanager's password for `{USER}`"
        on_progress(f"{page}: {cat.format('alertmanager', 'alertmanager/password')}")
        on_progress(f"The token of /faults: {cat.format('web', 'faults/token')}")
        return messages

    def renew(self, service: str, on_progress: ProgressCallback) -> None:
        """Build a service from its present code, and replace its instances if that changed it.

        Raises `EngineError` if its image is a published one.
        """
        with self._project.lock():
            project = self._project.resolve()
            model = project.model()
            if not model["services"][service]["image"].startswith(f"{LOCAL_REGISTRY}/"):
                raise EngineError(
                    f"{service} runs a published image: unset REGISTRY to run your own code."
                )
            on_progress(f"building {service} …")
            images.build(project, service)
            if service in renewal.changed_services(project, model):
                remove_misnumbered(project, on_progress)
                renewal.renew(project, service, project.replicas()[service], on_progress)
                _create_standby(project)

    def execute(self, service: str, command: Sequence[str]) -> int:
        """Run a command in a container of its own, as an instance of a service; return its code."""
        require_service(service)
        self._require_engine()
        return self._run_once(self._project.resolve(), service, command)

    def _run_once(self, project: ComposeProject, service: str, command: Sequence[str]) -> int:
        terminal = () if sys.stdin.isatty() else ("--no-TTY",)
        return subprocess.run(  # noqa: S603 - docker itself, and the user's own command
            project.command_line("run", "--rm", "--no-deps", *terminal, service, *command),
            env=project.environment(),
            check=False,
        ).returncode

    def test(self, service: str, arguments: Sequence[str]) -> int:
        """Run the tests of a service as `execute` runs a command; return their exit code.

        The image of a service in this repository has no tests: that of all tests takes its place.
        """
        declared = require_service(service)
        command = [*test_command(declared, "python"), *arguments]
        if declared.test:
            return self.execute(service, command)
        self._require_engine()
        project = self._project.resolve()
        model = project.model(profiles=[TEST])["services"][TEST]
        project.run("build", "--quiet", TEST, profiles=[TEST])
        keys = {key: model[key] for key in ("image", "memswap_limit", "deploy")}
        return self._run_once(project.with_overlay({"services": {service: keys}}), service, command)

    def down(self, on_progress: ProgressCallback) -> None:
        """Remove every container that `up` created, also after a crash; the volumes stay.

        Ephemeral stacks of killed runs are removed too, with their volumes.
        """
        self._require_engine()
        with self._project.lock():
            _stop(self._project, on_progress)
        if not self._settings.ephemeral:
            self.remove_leftovers(on_progress)

    def ephemeral_stacks(self) -> Sequence[str]:
        """Return a sentence for each ephemeral stack of this checkout."""
        return [stack.sentence() for stack in leftovers.find(self._engine, self._settings)]

    def remove_leftovers(self, on_progress: ProgressCallback) -> None:
        """Remove the ephemeral stacks of this checkout, but for those that a run uses."""
        for stack in leftovers.find(self._engine, self._settings):
            settings = ephemeral_identity(self._settings, stack.project)
            if stack.in_use:
                on_progress(f"{stack.sentence()} It stays.")
                continue
            with project_lock(settings):
                on_progress(f"removing {stack}, which a killed run has left …")
                _stop(ComposeProject(settings), on_progress)

    def _require_engine(self) -> None:
        """Raise `EngineError` unless an engine and Compose are available."""
        self._project.docker("version", "--format", "{{.Server.Version}}")
        self._project.run("version")

    def _check_ports(self) -> None:
        names = {port: name.upper() for name, port in vars(self._settings.ports).items()}
        published = [
            (port["host_ip"], int(port["published"]))
            for service in self._project.model()["services"].values()
            for port in service.get("ports", ())
        ]
        port_check.check({place: f"{names[place[1]]}_PORT" for place in published})

    def _replicas(self) -> Mapping[str, int]:
        return self._project.replicas()

    def _replica_containers(self, service: str, count: int) -> Sequence[Container]:
        if sum(item.service == service for item in self._engine.containers()) < count:
            _create_standby(self._project)
        return super()._replica_containers(service, count)

    def _publish(self, counts: Mapping[str, int]) -> None:
        _publish_replicas(self._project, counts)

    def _scale_lock(self) -> AbstractContextManager[object]:
        return self._project.lock()

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        """Yield (instance, line): the last `lines` of each instance, or all that are kept."""
        yield from self._existing_lines(self._log_arguments(target), lines, _timestamp())

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        """Yield the batch that `logs` would return, then one batch of new lines after another.

        The iterator ends when Compose stops because no container is left.
        """
        arguments, moment = self._log_arguments(target), _timestamp()
        yield self._existing_lines(arguments, lines, moment)
        partial = b""
        with self._log_command("--follow", "--since", moment, *arguments) as output:
            while True:
                ready, _, _ = select.select([output], [], [], POLL_INTERVAL_S)
                chunk = os.read(output.fileno(), CHUNK) if ready else None
                if chunk == b"":
                    return
                *whole, partial = (partial + (chunk or b"")).split(b"\n")
                yield list(_parse_lines(whole))

    def _existing_lines(
        self, arguments: Sequence[str], lines: int | None, until: str
    ) -> Iterator[tuple[str, str]]:
        tail = "all" if lines is None else str(lines)
        with self._log_command("--tail", tail, "--until", until, *arguments) as output:
            yield from _parse_lines(line.removesuffix(b"\n") for line in output)

    def _log_arguments(self, target: str | None) -> Sequence[str]:
        """Return Compose's arguments for an instance, a service, or all."""
        if target is None:
            return []
        container = self._targets(target, self._engine.containers())[0]
        index = ["--index", str(container.number)] if target == container.instance else []
        return [*index, container.service]

    @contextmanager
    def _log_command(self, *arguments: str) -> Iterator[IO[bytes]]:
        with subprocess.Popen(  # noqa: S603 - docker itself, our own arguments
            self._project.command_line("logs", "--no-color", *arguments),
            env=self._project.environment(),
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout
            try:
                yield process.stdout
            finally:
                process.terminate()


def _timestamp() -> str:
    """Return the current time, to separate existing lines from new ones."""
    return datetime.now(UTC).isoformat()


def _parse_lines(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if match := LOGGED.fullmatch(line.decode(errors="replace")):
            yield match[1], match[2]


def _start(
    project: ComposeProject, model: Mapping[str, Any], on_progress: ProgressCallback
) -> None:
    remove_misnumbered(project, on_progress)
    scales = project.replicas()
    if renewal.has_changed_network(project, model):
        on_progress("the networks have changed: replacing every container …")
        _stop(project, on_progress)
    before = live_update.configurations(project)
    if changed := renewal.changed_services(project, model):
        live_update.require_same_ports(project, model, changed)
        # First what the services need, such as init-config.
        others = [name for name in model["services"] if name not in changed]
        counts = {name: scales[name] for name in scales if name in others}
        on_progress("starting the other containers …")
        renewal.create(project, counts, "--detach", only=others)
        for service in changed:
            renewal.renew(project, service, scales[service], on_progress)
    on_progress("starting the containers …")
    failed = _create_all(project, model, scales)
    if scales != project.replicas():
        _publish_replicas(project, scales)  # init-config ran again with the settings' counts
    live_update.reload(project, before, on_progress)
    if not failed:  # otherwise Compose would try the failed ones again, and fail
        renewal.create(project, scales, "--detach", "--remove-orphans")
    _create_standby(project)
    if failed:
        raise ServiceNotReadyError(failed)


def _create_all(
    project: ComposeProject, model: Mapping[str, Any], scales: Mapping[str, int]
) -> str:
    """Start all containers, or all others if only services of ours fail; return why they do."""
    waiting = ("--detach", "--wait", "--wait-timeout", str(renewal.TIMEOUT_S))
    try:
        renewal.create(project, scales, *waiting)
    except EngineError:
        reasons = renewal.failures(project)
        failed = {renewal.owner(instance) for instance in reasons}
        if not failed or not failed <= SERVICES.keys():
            raise
        others = [name for name in model["services"] if renewal.owner(f"{name}-1") not in failed]
        counts = {name: count for name, count in scales.items() if name in others}
        renewal.create(project, counts, *waiting, only=others)
        return " ".join(reasons.values())
    return ""


def _stop(project: ComposeProject, on_progress: ProgressCallback) -> None:
    on_progress("stopping the containers …")
    # The data of an ephemeral stack is deleted too.
    volumes = ["--volumes"] if project.settings.ephemeral else []
    project.run("down", "--remove-orphans", *volumes, profiles=["*"])
    shutil.rmtree(project.folder / "scratch", ignore_errors=True)


def _create_standby(project: ComposeProject) -> None:
    """Create the standby instances of every service, without starting them."""
    scales = [
        item
        for name, service in SERVICES.items()
        for item in ("--scale", f"{name}={service.replicas.max}")
    ]
    project.run("create", "--no-recreate", "--no-build", *scales, *SERVICES)


def _publish_replicas(project: ComposeProject, counts: Mapping[str, int]) -> None:
    """Write the replica counts to the volume, and Prometheus's list of targets with them."""
    scale = ("--env", f"SCALE={json.dumps(counts)}")
    project.run("run", "--rm", "--no-deps", *scale, "init-config")


def remove_misnumbered(project: ComposeProject, on_progress: ProgressCallback) -> None:
    """Remove the standby and misnumbered instances, which Compose would keep or count from.

    Prometheus and the load balancer look for these numbers, but Compose does not keep them. If it
    replaces instances and there are more than it needs, such as standby ones, it keeps the newest;
    and a new one gets the number after the highest. So `docker compose up --build` or `docker
    compose watch` on a stack with standby instances may leave web-3 and web-4, without web-1 and
    web-2.
    """
    containers, replicas = project.engine.containers(), project.replicas()
    for service in SERVICES:
        by_number = {item.number: item for item in containers if item.service == service}
        # From 1 to the replica count, without a gap.
        kept = takewhile(by_number.__contains__, range(1, replicas[service] + 1))
        leaving = [by_number[number] for number in sorted(by_number.keys() - set(kept))]
        running = [container for container in leaving if container.pid]
        if running:
            names = ", ".join(container.instance for container in running)
            on_progress(f"replacing {names}: {service} is numbered from 1 to its replica count …")
        project.engine.stop_all(running)
        if leaving:
            project.docker("rm", "--force", *(container.name for container in leaving))
