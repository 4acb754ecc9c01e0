"""The compose runtime as drills see it: from a container on the stack's own networks.

So drills work on any host: nothing of the services is published, and on some hosts the engine's
networks can't be reached from outside. It may do to containers what the proxy in front of the
engine lets through; it makes none. The control API works with the same, for the responder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath

import requests

from ...errors import AlertdrillError
from ...settings import SERVICES, StackSettings
from .. import prometheus_tsdb
from ..base import Instance, ProgressCallback, State
from . import init_config
from .components import COMPONENTS
from .container_runtime import ContainerRuntime
from .endpoints import NetworkEndpoints
from .engine import Container, Engine
from .errors import UnknownTargetError
from .replicas import VolumeReplicas, check_replicas, require_containers, scale_lock
from .waiting import in_parallel

# Where the parts' volumes are in the drills' container.
DATA = Path("/data")
# What the drills' container may ask of the engine.
PROXY = "tcp://drills-proxy:2375"
# From Prometheus's own image.
PROMTOOL = Path("/bin/promtool")
# Each probe is answered within milliseconds, or its program hangs.
TIMEOUT = 1.0


class InNetworkRuntime(ContainerRuntime):
    """The stack that is up around this container; implements `Runtime`."""

    def __init__(self, settings: StackSettings) -> None:
        engine = Engine(settings.project, lambda: os.environ.get("DOCKER_HOST", PROXY))
        super().__init__(
            settings, engine, VolumeReplicas(init_config.ETC), NetworkEndpoints(settings)
        )

    def check(self, on_progress: ProgressCallback) -> None:
        """Refuse: only the host has Compose."""
        raise AlertdrillError(HOST_ONLY)

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        """Refuse: only the host may make containers."""
        raise AlertdrillError(HOST_ONLY)

    def down(self, on_progress: ProgressCallback) -> None:
        """Refuse: only the host may remove containers."""
        raise AlertdrillError(HOST_ONLY)

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        """Refuse: the log store has them."""
        raise AlertdrillError(HOST_ONLY)

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        """Refuse: the log store has them."""
        raise AlertdrillError(HOST_ONLY)

    def status(self) -> Sequence[Instance]:
        """Return every instance, with its state as its own probe tells it."""
        found = super().status()
        with ThreadPoolExecutor(max_workers=16) as pool:
            return list(pool.map(_with_probed_state, found))

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        """Have `count` instances of a service serve, of those that exist; the others stand by."""
        check_replicas(service, count)
        with scale_lock(init_config.ETC):
            own = require_containers(self._targets(service), service, count)
            before = self._replicas.get(service)
            fresh = [one for one in own if before < one.number <= count]
            self._admit(fresh)
            context = self._render_context()
            # Before anybody leaves, so that nobody misses who leaves on purpose.
            init_config.write_targets(
                replace(context, replicas={**context.replicas, service: count})
            )
            leaving = [one for one in own if one.number > count and one.pid is not None]
            in_parallel(self._engine.stop, [one.name for one in leaving])
        for one in fresh:
            on_progress(f"{one.instance} serves")
        for one in leaving:
            on_progress(f"{one.instance} stands by")

    def _admit(self, fresh: Sequence[Container]) -> None:
        for one in fresh:
            self._engine.start(one.name)
        try:
            self._await_ready([one.instance for one in fresh])
        except BaseException:
            in_parallel(self._engine.stop, [one.name for one in fresh])  # nobody counts on them
            raise

    def token(self) -> str:
        """Return the token that `/faults` of the services asks for."""
        return init_config.FAULTS_TOKEN.read_text().strip()

    def responder_token(self) -> str:
        """Return the token that the responder asks for where it is told what to do."""
        return init_config.RESPONDER_TOKEN.read_text().strip()

    def grafana_token(self) -> str:
        """Return the token that annotations are written to Grafana with, empty without one."""
        file = init_config.GRAFANA_TOKEN
        return file.read_text().strip() if file.exists() else ""

    def data(self, part: str) -> Path:
        """Return the folder where a part keeps its data."""
        folder = DATA / part
        if not folder.is_dir():
            raise UnknownTargetError(f"The data of {part!r} is not within reach of drills.")
        return folder

    def scratch(self) -> Path:
        """Return a folder on the engine's file system for files that grow."""
        folder = DATA / "scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def configure(self, part: str, name: str, text: str | None) -> None:
        """Have a part read `text` as its file `name`; None puts back what belongs there."""
        whole = f"{part}/{name}"
        path = PurePosixPath(whole)
        extra = str(path.parent) in init_config.DROP_IN_FOLDERS and path.suffix == ".yml"
        if not extra and whole not in (*init_config.SOURCES, init_config.WEBHOOK_URL_FILE):
            raise UnknownTargetError(f"{whole} can't be configured: only what {part} reads can.")
        context = self._render_context()
        if text is not None:
            init_config.write_atomically(context.etc / whole, text)
        elif whole == init_config.WEBHOOK_URL_FILE:
            init_config.write_webhook(context)
        elif whole in init_config.SOURCES:
            init_config.install(context, whole)
        else:
            (context.etc / whole).unlink(missing_ok=True)
        for one in self._engine.running():
            if one.service == part and part not in init_config.SELF_RELOADING:
                self._engine.signal(one.name, "HUP")

    def drop_targets(self, service: str) -> None:
        """Take a service out of what Prometheus scrapes."""
        self._targets(service)
        init_config.write_targets(self._render_context(), without=[service])

    def backfill(self, openmetrics: Path) -> None:
        """Give Prometheus the samples of a file, in OpenMetrics; of a rehearsal's stack alone."""
        store = self._store()
        if not prometheus_tsdb.has_markers(store):
            prometheus_tsdb.write_markers(store)
            self.restart("prometheus")  # it looks for blocks that were put there
        prometheus_tsdb.backfill(store, openmetrics)

    def delete_series(self) -> None:
        """Delete every sample up to now; of a rehearsal's stack alone."""
        prometheus_tsdb.delete_series(self._store())

    def _store(self) -> prometheus_tsdb.TsdbStore:
        if not self.ephemeral:
            raise prometheus_tsdb.TsdbError(
                "The series of a real stack are neither made up nor forgotten."
            )
        return prometheus_tsdb.TsdbStore(
            folder=self.data("prometheus"),
            url=self.address("prometheus"),
            retention=self._settings.retention,
            promtool=PROMTOOL,
        )

    def restore_targets(self) -> None:
        """Put everything that serves back into what Prometheus scrapes."""
        init_config.write_targets(self._render_context())

    def _render_context(self) -> init_config.RenderContext:
        """Return the stack as its one-shot step saw it, at the scale that is wanted now."""
        context = init_config.RenderContext.from_env(os.environ)
        scales = {service: self._replicas.get(service) for service in SERVICES}
        return replace(context, replicas={**context.replicas, **scales})


def _with_probed_state(instance: Instance) -> Instance:
    """Return an instance as its own probe tells it: sooner, and truer than a health check."""
    part = COMPONENTS.get(instance.service)
    if part is None or part.ready is None or instance.state not in ("ready", "unready", "starting"):
        return instance
    state: State = "ready" if _is_ready(f"http://{instance.address}{part.ready}") else "unready"
    return replace(instance, state=state)


def _is_ready(url: str) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the host for the networks inside
            return session.get(url, timeout=TIMEOUT).status_code == 200
    except requests.RequestException:
        return False


HOST_ONLY = "Only the host can do this: run it outside of the containers."
