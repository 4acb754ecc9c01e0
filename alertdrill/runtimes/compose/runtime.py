"""The Compose runtime on the host, with a Docker engine; it reads logs with `docker compose`."""

from __future__ import annotations

import os
import re
import select
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import IO

from ...config.settings import StackSettings
from ..base import ProgressCallback
from . import lifecycle
from .containers import ContainerRuntime
from .docker_client import Container
from .endpoints import HostEndpoints
from .project import ComposeProject

# Compose's format of a log line: `web-1  | text`.
LOGGED = re.compile(r"(\S+)\s+\| ?(.*)", re.DOTALL)
# Short enough that lines appear as they are written.
POLL_INTERVAL_S = 0.2
CHUNK = 65536


class ComposeRuntime(ContainerRuntime):
    """The stack as containers of one project, seen from its host; a `StackRuntime`."""

    # Compose follows only the containers that run when it starts.
    follows_new_instances = False

    def __init__(self, settings: StackSettings) -> None:
        self._project = ComposeProject(settings)
        super().__init__(settings, self._project.engine, HostEndpoints(settings))

    def check(self, on_progress: ProgressCallback) -> None:
        """Check docker-compose.yml without starting anything."""
        lifecycle.check(self._project, on_progress)

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        """Start what is not running; return a sentence for each optional component left out."""
        return lifecycle.up(self._project, on_progress)

    def down(self, on_progress: ProgressCallback) -> None:
        """Remove every container that `up` created, also after a crash."""
        lifecycle.down(self._project, on_progress)

    def _replicas(self) -> Mapping[str, int]:
        return self._project.replicas()

    def _replica_containers(self, service: str, count: int) -> Sequence[Container]:
        if sum(item.service == service for item in self._engine.containers()) < count:
            lifecycle.create_standby(self._project)
        return super()._replica_containers(service, count)

    def _publish(self, counts: Mapping[str, int]) -> None:
        lifecycle.publish_replicas(self._project, counts)

    def _scale_lock(self) -> AbstractContextManager[None]:
        return self._project.lock()

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        """Yield (instance, line): the last `lines` of each instance, or all that are kept."""
        yield from read_logs(self._project, self._log_arguments(target), lines, timestamp())

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        """Yield the batch that `logs` would return, then one batch of new lines after another."""
        arguments, moment = self._log_arguments(target), timestamp()
        yield read_logs(self._project, arguments, lines, moment)
        yield from follow_logs(self._project, arguments, moment)

    def _log_arguments(self, target: str | None) -> Sequence[str]:
        """Return Compose's arguments for an instance, a service, or all."""
        if target is None:
            return []
        container = self._targets(target)[0]
        return (["--index", str(container.number)] if target == container.instance else []) + [
            container.service
        ]


def timestamp() -> str:
    """Return the current time, to separate existing lines from new ones."""
    return datetime.now(UTC).isoformat()


def read_logs(
    compose: ComposeProject, arguments: Sequence[str], lines: int | None, until: str
) -> Iterator[tuple[str, str]]:
    """Yield (instance, line): the last `lines` of each instance before `until`, or all."""
    tail = "all" if lines is None else str(lines)
    with _running(compose, "--tail", tail, "--until", until, *arguments) as output:
        for line in output:
            yield from _read([line.removesuffix(b"\n")])


def follow_logs(
    compose: ComposeProject, arguments: Sequence[str], since: str
) -> Iterator[Sequence[tuple[str, str]]]:
    """Yield batches of (instance, line) since a time; a batch may be empty.

    The iterator ends when Compose stops because no container is left.
    """
    partial = b""
    with _running(compose, "--follow", "--since", since, *arguments) as output:
        while True:
            ready, _, _ = select.select([output], [], [], POLL_INTERVAL_S)
            chunk = os.read(output.fileno(), CHUNK) if ready else None
            if chunk == b"":
                return
            *whole, partial = (partial + (chunk or b"")).split(b"\n")
            yield list(_read(whole))


@contextmanager
def _running(compose: ComposeProject, *arguments: str) -> Iterator[IO[bytes]]:
    with subprocess.Popen(  # noqa: S603 - docker itself, our own arguments
        compose.command_line("logs", "--no-color", *arguments),
        env=compose.environment(),
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        try:
            yield process.stdout
        finally:
            process.terminate()


def _read(lines: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if match := LOGGED.fullmatch(line.decode(errors="replace")):
            yield match[1], match[2]
