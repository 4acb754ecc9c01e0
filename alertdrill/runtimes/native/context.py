"""What every operation on a native stack works with."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ...errors import AlertdrillError
from ...grafana_token import GrafanaClient, ensure_token
from ...settings import StackSettings
from ...toolchain import PROGRAMS, Program, ResolvedPrograms, default_cache, resolve_programs
from ..base import ProgressCallback
from ..errors import StackUnavailableError
from ..prometheus_tsdb import TsdbError, TsdbStore
from .layout import Layout
from .lb import LoadBalancer
from .plan import Plan, make_plan
from .process import RenderContext, url
from .replica_store import ReplicaStore
from .supervisor import Supervisor

# How often to look whether another has let go of the stack.
POLL_INTERVAL_S = 0.1


class NotRunningError(StackUnavailableError):
    """The stack is down."""


class NativeContext:
    """The supervisor, the load balancer and the files of one stack."""

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self.layout = Layout(settings.home / "native")
        self.supervisor = Supervisor(self.layout)
        self.lb = LoadBalancer(self.layout.lb_socket, self.layout.lb_state)
        self.replicas = ReplicaStore(self.layout.state, settings)

    @property
    def process_tag(self) -> str:
        """The mark that every process of this stack carries."""
        return str(self.layout.home)

    def supervisor_state(self, name: str) -> str:
        """Return supervisord's word for a process."""
        return str(self.supervisor.processes()[name]["statename"])

    def locate(self, on_progress: ProgressCallback) -> ResolvedPrograms:
        """Find the programs, fetching what is missing."""
        return resolve_programs(
            PROGRAMS, self.settings.cache or default_cache(os.environ), on_progress
        )

    def plan(self, located: ResolvedPrograms | None = None) -> Plan:
        """Return what there is to run on this machine."""
        programs = (located or self.locate(lambda _: None)).programs
        return make_plan(RenderContext(self.settings, self.layout, programs, self.token()))

    def store(self, programs: Mapping[str, Program]) -> TsdbStore:
        """Return Prometheus's storage."""
        return TsdbStore(
            folder=self.layout.data / "prometheus",
            url=url(self.settings.ports.prometheus),
            retention=self.settings.retention,
            promtool=programs["promtool"].path,
        )

    def ephemeral_store(self, what: str) -> TsdbStore:
        """Return the storage of an ephemeral stack; raise `TsdbError` for a real one."""
        if not self.settings.ephemeral:
            raise TsdbError(
                f"The series of a real stack are not {what}: do it in an ephemeral stack."
            )
        self.require_running()
        return self.store(self.locate(lambda _: None).programs)

    def token(self) -> str:
        """Return the token for `/faults`, made at random the first time."""
        return self._secret(self.layout.token)

    def responder_token(self) -> str:
        """Return the token of the responder's own API, made at random the first time."""
        return self._secret(self.layout.responder_token)

    def make_secrets(self) -> None:
        """Make every secret that the programs read from a file by themselves."""
        for file in (
            self.layout.grafana_password,
            self.layout.control_token,
            self.layout.responder_token,
        ):
            self._secret(file)

    def grafana_password(self) -> str:
        """Return Grafana's password, made at random the first time."""
        return self._secret(self.layout.grafana_password)

    def make_grafana_token(self) -> None:
        """Have Grafana, which runs, give a token for annotations; raise `TokenError` otherwise."""
        grafana = GrafanaClient(url(self.settings.ports.grafana), self.grafana_password())
        ensure_token(grafana, self.layout.grafana_token)

    def grafana_token(self) -> str:
        """Return the token for annotations, empty where Grafana has given none."""
        file = self.layout.grafana_token
        return file.read_text().strip() if file.exists() else ""

    def _secret(self, file: Path) -> str:
        if not file.exists() or not file.stat().st_size:  # empty: cut off by a crash
            self.layout.make()
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(32))
        return file.read_text().strip()

    def require_running(self) -> None:
        """Raise `NotRunningError` unless the stack is up."""
        if not self.supervisor.is_running():
            raise NotRunningError("The stack is down: start it with `make up`.")

    @contextmanager
    def lock(self, timeout: float = 0.0) -> Iterator[None]:
        """Keep others from changing this stack meanwhile, once they let go within `timeout`."""
        self.layout.make()
        deadline = time.monotonic() + timeout
        with self.layout.lock.open("w") as held:
            while not _try_lock(held):
                if time.monotonic() > deadline:
                    raise AlertdrillError(
                        "Another alertdrill command, or the responder, is changing this stack:"
                        " wait for it to end."
                    )
                time.sleep(POLL_INTERVAL_S)
            yield


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
