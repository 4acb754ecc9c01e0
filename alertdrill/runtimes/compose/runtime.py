"""The Compose runtime on the host: implements `Runtime` with a Docker engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ...config.settings import StackSettings
from ...errors import AlertdrillError
from ..base import ProgressCallback
from . import init_config, lifecycle, scaling
from .container_logs import follow_logs, read_logs, timestamp
from .container_runtime import ContainerRuntime
from .endpoints import HostEndpoints
from .errors import EngineError, EngineUnavailableError
from .project import ComposeProject
from .replica_store import check_replicas


class ComposeRuntime(ContainerRuntime):
    """The stack as containers of one project, seen from its host; implements `Runtime`."""

    def __init__(self, settings: StackSettings) -> None:
        self._project = ComposeProject(settings)
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

    # For drills, which run inside the networks

    def faults_token(self) -> str:
        """Raise `AlertdrillError`: the token is on a volume."""
        raise AlertdrillError(IN_NETWORK_ONLY)

    def responder_token(self) -> str:
        """Raise `AlertdrillError`: the token is on a volume."""
        raise AlertdrillError(IN_NETWORK_ONLY)

    def grafana_token(self) -> str:
        """Return the token for Grafana annotations; empty without one."""
        arguments = ("exec", "--no-TTY", "grafana-token", "cat", str(init_config.GRAFANA_TOKEN))
        try:
            return self._project.cli.run(*arguments).strip()
        except EngineError:  # Grafana has not issued one yet
            return ""

    def data_folder(self, component: str) -> Path:
        """Raise `AlertdrillError`: data is on volumes."""
        raise AlertdrillError(IN_NETWORK_ONLY)

    def scratch_folder(self) -> Path:
        """Raise `AlertdrillError`: the engine may be on another host."""
        raise AlertdrillError(IN_NETWORK_ONLY)

    def configure(self, component: str, name: str, text: str | None) -> None:
        """Raise `AlertdrillError`: configurations are on a volume."""
        raise AlertdrillError(IN_NETWORK_ONLY)

    def drop_targets(self, service: str) -> None:
        """Raise `AlertdrillError`: the targets are on a volume."""
        raise AlertdrillError(IN_NETWORK_ONLY)

    def restore_targets(self) -> None:
        """Raise `AlertdrillError`: the targets are on a volume."""
        raise AlertdrillError(IN_NETWORK_ONLY)

    def backfill(self, openmetrics: Path) -> None:
        """Raise `AlertdrillError`: the series are on a volume."""
        raise AlertdrillError(IN_NETWORK_ONLY)

    def delete_series(self) -> None:
        """Raise `AlertdrillError`: only drills may delete series."""
        raise AlertdrillError(IN_NETWORK_ONLY)


IN_NETWORK_ONLY = "Only a drill can do this, inside the stack's networks: use `make drill`."
