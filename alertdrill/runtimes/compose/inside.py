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
from .. import series
from ..base import Instance, Notify, State
from . import prepare
from .containers import Containers
from .engine import Container, Engine
from .errors import UnknownTargetError
from .parts import PARTS
from .places import Inside
from .scale import WrittenScale, alone_at, check_scale, places
from .waiting import at_once

# Where the parts' volumes are in the drills' container.
DATA = Path("/data")
# What the drills' container may ask of the engine.
PROXY = "tcp://drills-proxy:2375"
# From Prometheus's own image.
PROMTOOL = Path("/bin/promtool")
# Each probe is answered within milliseconds, or its program hangs.
TIMEOUT = 1.0


class InsideRuntime(Containers):
    """The stack that is up around this container; implements `Runtime`."""

    def __init__(self, settings: StackSettings) -> None:
        engine = Engine(settings.project, lambda: os.environ.get("DOCKER_HOST", PROXY))
        super().__init__(settings, engine, WrittenScale(prepare.ETC), Inside(settings))

    def check(self, notify: Notify) -> None:
        """Refuse: only the host has Compose."""
        raise AlertdrillError(FROM_THE_HOST)

    def up(self, notify: Notify) -> Sequence[str]:
        """Refuse: only the host may make containers."""
        raise AlertdrillError(FROM_THE_HOST)

    def down(self, notify: Notify) -> None:
        """Refuse: only the host may remove containers."""
        raise AlertdrillError(FROM_THE_HOST)

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        """Refuse: the log store has them."""
        raise AlertdrillError(FROM_THE_HOST)

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        """Refuse: the log store has them."""
        raise AlertdrillError(FROM_THE_HOST)

    def status(self) -> Sequence[Instance]:
        """Return every instance, with its state as its own probe tells it."""
        found = super().status()
        with ThreadPoolExecutor(max_workers=16) as pool:
            return list(pool.map(_probed, found))

    def scale(self, service: str, count: int, notify: Notify) -> None:
        """Have `count` instances of a service serve, of those that exist; the others stand by."""
        check_scale(service, count)
        with alone_at(prepare.ETC):
            own = places(self._targets(service), service, count)
            before = self._scale.scale(service)
            fresh = [one for one in own if before < one.number <= count]
            self._admit(fresh)
            site = self._site()
            # Before anybody leaves, so that nobody misses who leaves on purpose.
            prepare.write_targets(replace(site, replicas={**site.replicas, service: count}))
            leaving = [one for one in own if one.number > count and one.pid is not None]
            at_once(self._engine.stop, [one.name for one in leaving])
        for one in fresh:
            notify(f"{one.instance} serves")
        for one in leaving:
            notify(f"{one.instance} stands by")

    def _admit(self, fresh: Sequence[Container]) -> None:
        for one in fresh:
            self._engine.start(one.name)
        try:
            self._await_ready([one.instance for one in fresh])
        except BaseException:
            at_once(self._engine.stop, [one.name for one in fresh])  # nobody counts on them
            raise

    def token(self) -> str:
        """Return the token that `/faults` of the services asks for."""
        return prepare.FAULTS_TOKEN.read_text().strip()

    def responder_token(self) -> str:
        """Return the token that the responder asks for where it is told what to do."""
        return prepare.RESPONDER_TOKEN.read_text().strip()

    def grafana_token(self) -> str:
        """Return the token that annotations are written to Grafana with, empty without one."""
        file = prepare.GRAFANA_TOKEN
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
        extra = str(path.parent) in prepare.EXTRA and path.suffix == ".yml"
        if not extra and whole not in (*prepare.COMMITTED, prepare.WEBHOOK):
            raise UnknownTargetError(f"{whole} can't be configured: only what {part} reads can.")
        site = self._site()
        if text is not None:
            prepare.replace(site.etc / whole, text)
        elif whole == prepare.WEBHOOK:
            prepare.write_webhook(site)
        elif whole in prepare.COMMITTED:
            prepare.lay(site, whole)
        else:
            (site.etc / whole).unlink(missing_ok=True)
        for one in self._engine.running():
            if one.service == part and part not in prepare.LOOKS_ITSELF:
                self._engine.signal(one.name, "HUP")

    def unlist(self, service: str) -> None:
        """Take a service out of what Prometheus scrapes."""
        self._targets(service)
        prepare.write_targets(self._site(), without=[service])

    def import_series(self, openmetrics: Path) -> None:
        """Give Prometheus the samples of a file, in OpenMetrics; of a rehearsal's stack alone."""
        store = self._store()
        if not series.marked(store):
            series.prepare(store)
            self.restart("prometheus")  # it looks for blocks that were put there
        series.import_series(store, openmetrics)

    def forget_series(self) -> None:
        """Delete every sample up to now; of a rehearsal's stack alone."""
        series.forget_series(self._store())

    def _store(self) -> series.Store:
        if not self.rehearsal:
            raise series.SeriesError(
                "The series of a real stack are neither made up nor forgotten."
            )
        return series.Store(
            folder=self.data("prometheus"),
            url=self.address("prometheus"),
            retention=self._settings.retention,
            promtool=PROMTOOL,
        )

    def relist(self) -> None:
        """Put everything that serves back into what Prometheus scrapes."""
        prepare.write_targets(self._site())

    def _site(self) -> prepare.Site:
        """Return the stack as its one-shot step saw it, at the scale that is wanted now."""
        site = prepare.Site.from_env(os.environ)
        scales = {service: self._scale.scale(service) for service in SERVICES}
        return replace(site, replicas={**site.replicas, **scales})


def _probed(instance: Instance) -> Instance:
    """Return an instance as its own probe tells it: sooner, and truer than a health check."""
    part = PARTS.get(instance.service)
    if part is None or part.ready is None or instance.state not in ("ready", "unready", "starting"):
        return instance
    state: State = "ready" if _answers(f"http://{instance.address}{part.ready}") else "unready"
    return replace(instance, state=state)


def _answers(url: str) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the host for the networks inside
            return session.get(url, timeout=TIMEOUT).status_code == 200
    except requests.RequestException:
        return False


FROM_THE_HOST = "Only the host can do this: run it outside of the containers."
