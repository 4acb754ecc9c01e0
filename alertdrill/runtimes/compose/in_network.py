"""The Compose runtime inside the stack's own networks, for drills and the control API.

So drills work on any host: the services are not published, and some hosts can't reach the
engine's networks. This runtime can't create containers; it may do to existing ones what the
proxy in front of the engine allows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from ...clients import http
from ...config.services import all_components
from ...config.settings import StackSettings
from ...errors import AlertdrillError
from ...file_lock import file_lock
from .. import config_files, prometheus_tsdb
from ..base import Instance, State
from ..errors import UnknownTargetError
from . import init_config
from .containers import ContainerRuntime
from .docker_client import DockerClient
from .endpoints import NetworkEndpoints

# The components' volumes in the drills' container.
DATA = Path("/data")
# The proxy of the drills' container.
PROXY = "tcp://drills-proxy:2375"
# From Prometheus's image.
PROMTOOL = Path("/bin/promtool")
# A probe is answered within milliseconds, unless its program hangs.
TIMEOUT_S = 1.0


class InNetworkRuntime(ContainerRuntime):
    """The running stack around this container; a `FaultTarget`."""

    def __init__(self, settings: StackSettings) -> None:
        engine = DockerClient(settings.project, lambda: os.environ.get("DOCKER_HOST", PROXY))
        self._network = NetworkEndpoints(settings)
        super().__init__(settings, engine, self._network)

    def resolve_url(self, link: str) -> str:
        """Return the URL of a notification's link as this process can reach it."""
        return self._network.resolve_url(link)

    def status(self) -> Sequence[Instance]:
        """Return every instance, with the state of its own probe."""
        instances = super().status()
        with ThreadPoolExecutor(max_workers=16) as pool:
            return list(pool.map(_with_probed_state, instances))

    def _replicas(self) -> Mapping[str, int]:
        counts: dict[str, int] = json.loads(
            (init_config.ETC / init_config.REPLICAS_FILE).read_text()
        )
        return counts

    def _publish(self, counts: Mapping[str, int]) -> None:
        context = self._render_context()
        init_config.write_targets(replace(context, replicas={**context.replicas, **counts}))

    @contextmanager
    def _scale_lock(self) -> Iterator[None]:
        path = init_config.ETC / f"{init_config.REPLICAS_FILE}.lock"
        lock = file_lock(path, "Another command is scaling this stack: wait for it.")
        with ExitStack() as on_exit:
            try:
                on_exit.enter_context(lock)
            except OSError as error:
                raise AlertdrillError(
                    f"{path} can't be opened ({error.strerror}): restart the stack."
                ) from error
            yield

    def faults_token(self) -> str:
        """Return the token for `/faults` of the services."""
        return init_config.FAULTS_TOKEN.read_text().strip()

    def responder_token(self) -> str:
        """Return the token for the responder's API."""
        return init_config.RESPONDER_TOKEN.read_text().strip()

    def data_folder(self, component: str) -> Path:
        """Return the data folder of a component."""
        folder = DATA / component
        if not folder.is_dir():
            raise UnknownTargetError(f"Drills can't access the data of {component!r}.")
        return folder

    def scratch_folder(self) -> Path:
        """Return a folder on the engine's file system for files that grow."""
        folder = DATA / "scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def break_config(self, component: str, name: str, text: str) -> None:
        """Replace a component's configuration file `name` with `text`."""
        whole = config_files.require_replaceable(init_config.SOURCES, component, name)
        config_files.write_atomically(init_config.ETC / whole, text)
        self._reread(component)

    def restore_config(self, component: str, name: str) -> None:
        """Restore a component's configuration file; delete an extra file."""
        whole = config_files.require_replaceable(init_config.SOURCES, component, name)
        context = self._render_context()
        if whole == config_files.WEBHOOK_URL_FILE:
            init_config.write_webhook(context)
        elif whole in init_config.SOURCES:
            init_config.install(context, whole)
        else:
            (context.etc / whole).unlink(missing_ok=True)
        self._reread(component)

    def _reread(self, component: str) -> None:
        if component in config_files.SELF_RELOADING:
            return
        for container in self._engine.running():
            if container.service == component:
                self._engine.signal(container.name, "HUP")

    def drop_targets(self, service: str) -> None:
        """Remove a service from Prometheus's list of targets."""
        self._targets(service)
        init_config.write_targets(self._render_context(), without=[service])

    def backfill(self, openmetrics: Path) -> None:
        """Load the samples of an OpenMetrics file into Prometheus; only in an ephemeral stack."""
        store = self._store()
        if not prometheus_tsdb.has_markers(store):
            prometheus_tsdb.write_markers(store)
            self.restart("prometheus")  # it reads new blocks when it starts
        prometheus_tsdb.backfill(store, openmetrics)

    def delete_series(self) -> None:
        """Delete every sample up to now; only in an ephemeral stack."""
        prometheus_tsdb.delete_series(self._store())

    def _store(self) -> prometheus_tsdb.TsdbStore:
        if not self.ephemeral:
            raise prometheus_tsdb.TsdbError(
                "The series of this stack can't be changed: use an ephemeral stack."
            )
        return prometheus_tsdb.TsdbStore(
            folder=self.data_folder("prometheus"),
            url=self.address("prometheus"),
            retention=self._settings.retention,
            promtool=PROMTOOL,
        )

    def restore_targets(self) -> None:
        """Restore the complete list of Prometheus's targets."""
        init_config.write_targets(self._render_context())

    def _render_context(self) -> init_config.RenderContext:
        """Return the context of `init-config`, with the current replica counts."""
        context = init_config.RenderContext.from_env(os.environ)
        return replace(context, replicas={**context.replicas, **self._replicas()})


def _with_probed_state(instance: Instance) -> Instance:
    """Return an instance with the state of its own probe, which is faster than a health check."""
    component = all_components().get(instance.service)
    if (
        component is None
        or component.ready is None
        or instance.state not in ("ready", "unready", "starting")
    ):
        return instance
    url = f"http://{instance.address}{component.ready}"
    state: State = "ready" if http.is_ready(url, TIMEOUT_S) else "unready"
    return replace(instance, state=state)
