"""The shared context of every operation on a native stack, and its replica counts."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ...config.services import SERVICES
from ...config.settings import StackSettings
from ...file_lock import file_lock
from ...toolchain.cache import default_cache
from ...toolchain.find import Program, ResolvedPrograms, resolve_programs
from ...toolchain.programs import PROGRAMS
from ..base import ProgressCallback
from ..errors import StackUnavailableError
from ..prometheus_tsdb import TsdbError, TsdbStore
from .haproxy_socket import LoadBalancer
from .layout import Layout
from .plan import make_plan
from .processes import Plan, Process, RenderContext, url
from .supervisor import Supervisor


class ReplicaStore:
    """The replica counts in a file; the settings' counts if the file has none."""

    def __init__(self, file: Path, settings: StackSettings) -> None:
        self._file = file
        self._settings = settings

    def reset(self) -> None:
        """Return to the settings' counts, as a new stack does."""
        self._file.unlink(missing_ok=True)

    def get(self, service: str) -> int:
        """Return the replica count of a service."""
        return int(self._read().get(service, self._settings.min_replicas(service)))

    def set(self, service: str, count: int) -> None:
        """Store a new replica count."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps({**self._read(), service: count}))
        temporary.replace(self._file)

    def desired(self, plan: Plan) -> list[Process]:
        """Return the processes that should run; the others are on standby."""
        scales = {service: self.get(service) for service in SERVICES}
        return [
            process
            for process in plan.processes
            if not process.scales or process.number <= scales[process.service]
        ]

    def _read(self) -> Mapping[str, int]:
        try:
            counts: dict[str, int] = json.loads(self._file.read_text())
        except (OSError, ValueError):  # not scaled yet, or cut off by a crash: use the settings
            return {}
        return counts


class NativeContext:
    """The settings, the supervisor, the load balancer and the files of one stack."""

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self.layout = Layout(settings.home / "native")
        self.supervisor = Supervisor(self.layout)
        self.lb = LoadBalancer(self.layout.lb_socket, self.layout.lb_state)
        self.replicas = ReplicaStore(self.layout.state, settings)

    @property
    def process_tag(self) -> str:
        """The environment value that identifies every process of this stack."""
        return str(self.layout.home)

    def supervisor_state(self, name: str) -> str:
        """Return supervisord's state name for a process."""
        return str(self.supervisor.processes()[name]["statename"])

    def locate(self, on_progress: ProgressCallback) -> ResolvedPrograms:
        """Locate the programs, and download what is missing."""
        return resolve_programs(
            PROGRAMS, self.settings.cache or default_cache(os.environ), on_progress
        )

    def plan(self, located: ResolvedPrograms | None = None) -> Plan:
        """Return the plan of processes for this machine."""
        programs = (located or self.locate(lambda _: None)).programs
        return make_plan(RenderContext(self.settings, self.layout, programs, self.faults_token()))

    def store(self, programs: Mapping[str, Program]) -> TsdbStore:
        """Return Prometheus's storage."""
        return TsdbStore(
            folder=self.layout.data / "prometheus",
            url=url(self.settings.ports.prometheus),
            retention=self.settings.retention,
            promtool=programs["promtool"].path,
        )

    def ephemeral_store(self, what: str) -> TsdbStore:
        """Return the storage of an ephemeral stack; raise `TsdbError` for any other stack."""
        if not self.settings.ephemeral:
            raise TsdbError(f"The series of this stack can't be {what}: use an ephemeral stack.")
        self.require_running()
        return self.store(self.locate(lambda _: None).programs)

    def faults_token(self) -> str:
        """Return the token for `/faults`; generate it the first time."""
        return self._secret(self.layout.faults_token)

    def responder_token(self) -> str:
        """Return the token of the responder's API; generate it the first time."""
        return self._secret(self.layout.responder_token)

    def make_secrets(self) -> None:
        """Generate every secret that a program reads from a file."""
        for file in (
            self.layout.grafana_password,
            self.layout.control_token,
            self.layout.responder_token,
        ):
            self._secret(file)

    def grafana_password(self) -> str:
        """Return Grafana's password; generate it the first time."""
        return self._secret(self.layout.grafana_password)

    def _secret(self, file: Path) -> str:
        if not file.exists() or not file.stat().st_size:  # empty: cut off by a crash
            self.layout.make()
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(32))
        return file.read_text().strip()

    def require_running(self) -> None:
        """Raise `StackUnavailableError` unless the stack is up."""
        if not self.supervisor.is_running():
            raise StackUnavailableError("The stack is down: start it with `make up`.")

    @contextmanager
    def lock(self, timeout: float = 0.0) -> Iterator[None]:
        """Lock this stack against other commands; wait up to `timeout` seconds for the lock."""
        self.layout.make()
        busy = (
            "Another alertdrill command, or the responder, is changing this stack:"
            " wait for it to end."
        )
        with file_lock(self.layout.lock, busy, timeout):
            yield
