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
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from ...clients import http
from ...config.services import all_components
from ...errors import AlertdrillError
from ...file_lock import file_lock
from .. import config_files
from ..alertmanager_login import PASSWORD
from ..base import Instance, State
from ..engine import Container, ProjectEngine
from ..errors import UnknownTargetError
from ..prometheus_tsdb import TsdbError, TsdbStore
from . import init_config
from .containers import LOOPBACK, ContainerRuntime, network_url, published_port

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

    @cached_property
    def _engine(self) -> ProjectEngine:
        return ProjectEngine(os.environ.get("DOCKER_HOST", PROXY), self._settings.project)

    def address(self, component: str) -> str:
        """Return the URL of a component of the stack, such as `prometheus`."""
        return network_url(self._settings.project, component)

    def addresses(self) -> Mapping[str, str]:
        """Return the URL of the services, by title."""
        return {"Services": f"{self.address('lb')}/"}

    def _instance_address(self, container: Container) -> str:
        component = all_components().get(container.service)
        if component is None or not component.port:
            return container.name
        return f"{component.host(container.name)}:{component.port}"

    def resolve_url(self, link: str) -> str:
        """Return the URL of a notification's link as this process can reach it."""
        url = urlsplit(link)
        for component in all_components():
            port = published_port(self._settings, component)
            if port is not None and url.netloc == f"{LOOPBACK}:{port}":
                return f"{self.address(component)}{url.path}"
        return link

    def status(self) -> Sequence[Instance]:
        """Return every instance, with the state of its own probe."""
        instances = super().status()
        with ThreadPoolExecutor(max_workers=16) as pool:
            return list(pool.map(_with_probed_state, instances))

    def _replicas(self) -> Mapping[str, int]:
        file = init_config.ETC / init_config.REPLICAS_FILE
        counts: dict[str, int] = json.loads(file.read_text())
        return counts

    def _publish(self, counts: Mapping[str, int]) -> None:
        init_config.write_targets(self._render_context(counts))

    @contextmanager
    def _scale_lock(self) -> Iterator[None]:
        path = init_config.ETC / f"{init_config.REPLICAS_FILE}.lock"
        with ExitStack() as stack:
            try:
                busy = "Another command is scaling this stack: wait for it."
                stack.enter_context(file_lock(path, busy))
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

    def alertmanager_password_file(self) -> Path:
        """Return the file with Alertmanager's password."""
        return init_config.ALERTMANAGER_LOGIN / PASSWORD

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
                self._engine.act(container.name, "kill", signal="HUP")

    def drop_targets(self, service: str) -> None:
        """Remove a service from Prometheus's list of targets."""
        self._targets(service, self._engine.containers())
        init_config.write_targets(self._render_context(), without=[service])

    def restore_targets(self) -> None:
        """Restore the complete list of Prometheus's targets."""
        init_config.write_targets(self._render_context())

    def backfill(self, openmetrics: Path) -> None:
        """Load the samples of an OpenMetrics file into Prometheus; only in an ephemeral stack."""
        store = self._store()
        if not store.markers():
            store.write_markers()
            self.restart("prometheus")  # it reads new blocks when it starts
        store.backfill(openmetrics)

    def delete_series(self) -> None:
        """Delete every sample up to now; only in an ephemeral stack."""
        self._store().delete_series()

    def _store(self) -> TsdbStore:
        if not self.ephemeral:
            raise TsdbError("The series of this stack can't be changed: use an ephemeral stack.")
        return TsdbStore(
            folder=self.data_folder("prometheus"),
            url=self.address("prometheus"),
            retention=self._settings.retention,
            promtool=PROMTOOL,
        )

    def _render_context(self, counts: Mapping[str, int] | None = None) -> init_config.RenderContext:
        """Return the context of `init-config`, with these or the current replica counts."""
        context = init_config.RenderContext.from_env(os.environ)
        return replace(context, replicas={**context.replicas, **(counts or self._replicas())})


def _with_probed_state(instance: Instance) -> Instance:
    """Return an instance with the state of its own probe, which is faster than a health check."""
    component = all_components().get(instance.service)
    if not (component and component.ready) or instance.state not in (
        "ready",
        "unready",
        "starting",
    ):
        return instance
    url = f"http://{instance.ops_address or instance.address}{component.ready}"
    state: State = "ready" if http.is_ready(url, TIMEOUT_S) else "unready"
    return replace(instance, state=state)
