"""The Compose runtime on the host, with a Docker engine; it reads logs with `docker compose`."""

from __future__ import annotations

import os
import re
import select
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO

from ...config.settings import StackSettings
from ..base import ProgressCallback, check_replicas
from . import init_config, lifecycle, scaling
from .containers import ContainerRuntime
from .endpoints import HostEndpoints
from .errors import EngineError, EngineUnavailableError
from .project import ComposeCli, ComposeProject

# Compose's format of a log line: `web-1  | text`.
LOGGED = re.compile(r"(\S+)\s+\| ?(.*)", re.DOTALL)
# Short enough that lines appear as they are written.
POLL_INTERVAL_S = 0.2
CHUNK = 65536


class ComposeRuntime(ContainerRuntime):
    """The stack as containers of one project, seen from its host; a `StackRuntime`."""

    def __init__(self, settings: StackSettings) -> None:
        self._project = ComposeProject.from_settings(settings)
        super().__init__(
            settings, self._project.engine, self._project.replicas, HostEndpoints(settings)
        )

    def check(self, on_progress: ProgressCallback) -> None:
        """Check docker-compose.yml without starting anything."""
        lifecycle.check(self._project, on_progress)

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        """Start what is not running; return a sentence for each optional component left out."""
        return lifecycle.up(self._project, on_progress)

    def down(self, on_progress: ProgressCallback) -> None:
        """Remove every container that `up` created, also after a crash."""
        lifecycle.down(self._project, on_progress)

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        """Scale a service to `count` instances; the others drain and go on standby."""
        check_replicas(service, count)
        if not self._engine.running():
            raise EngineUnavailableError("The stack is down: start it with `make up`.")
        with self._project.lock():
            fresh = scaling.start_replicas(self._project, service, count)
            self._await_ready(fresh)
            scaling.stop_replicas(self._project, service, count, on_progress)

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        """Yield (instance, line): the last `lines` of each instance, or all that are kept."""
        yield from read_logs(self._project.cli, self._log_arguments(target), lines, timestamp())

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        """Yield the batch that `logs` would return, then one batch of new lines after another."""
        arguments, moment = self._log_arguments(target), timestamp()
        yield read_logs(self._project.cli, arguments, lines, moment)
        yield from follow_logs(self._project.cli, arguments, moment)

    def _log_arguments(self, target: str | None) -> Sequence[str]:
        """Return Compose's arguments for an instance, a service, or all."""
        if target is None:
            return []
        container = self._targets(target)[0]
        return (["--index", str(container.number)] if target == container.instance else []) + [
            container.service
        ]

    @property
    def follows_new_instances(self) -> bool:
        """Return false: Compose follows only the containers that run when it starts."""
        return False

    def grafana_token(self) -> str:
        """Return the token for Grafana annotations; empty without one."""
        arguments = ("exec", "--no-TTY", "grafana-token", "cat", str(init_config.GRAFANA_TOKEN))
        try:
            return self._project.cli.run(*arguments).strip()
        except EngineError:  # Grafana has not issued one yet
            return ""


def timestamp() -> str:
    """Return the current time, to separate existing lines from new ones."""
    return datetime.now(UTC).isoformat()


def read_logs(
    compose: ComposeCli, arguments: Sequence[str], lines: int | None, until: str
) -> Iterator[tuple[str, str]]:
    """Yield (instance, line): the last `lines` of each instance before `until`, or all."""
    tail = "all" if lines is None else str(lines)
    with _running(compose, "--tail", tail, "--until", until, *arguments) as output:
        for line in output:
            yield from _read([line.removesuffix(b"\n")])


def follow_logs(
    compose: ComposeCli, arguments: Sequence[str], since: str
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
def _running(compose: ComposeCli, *arguments: str) -> Iterator[IO[bytes]]:
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
