"""What every operation on a native stack needs: its files, programs, secrets and counts."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from ...clients import http
from ...config.services import SERVICES
from ...config.settings import StackSettings
from ...file_lock import file_lock
from ...toolchain.cache import default_cache
from ...toolchain.find import ResolvedPrograms, resolve_programs
from ...toolchain.programs import PROGRAMS
from ..base import POLL_INTERVAL_S, ProgressCallback
from ..config_files import write_json
from ..errors import NotReadyError, StackUnavailableError
from ..prometheus_tsdb import TsdbStore
from .haproxy_socket import LoadBalancer
from .layout import Layout
from .log_files import follow
from .plan import Plan, Planner, Process, url
from .supervisor import Supervisor

# Slow machines need ten seconds for everything; after a minute, a program has failed.
READY_TIMEOUT_S = 60.0
# A probe is answered within milliseconds, or later by a process that is not ready.
PROBE_TIMEOUT_S = 1.0
# supervisord no longer restarts it.
FAILED_STATES = ("FATAL", "UNKNOWN")
# Enough lines that one of them is not blank.
LOG_LINES_SEARCHED = 20


class NativeStack:
    """The files, the supervisor and the load balancer of one stack."""

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self.layout = Layout(settings.home / "native")
        self.supervisor = Supervisor(self.layout)
        self.lb = LoadBalancer(self.layout)

    def locate(self, on_progress: ProgressCallback = lambda _: None) -> ResolvedPrograms:
        """Locate the programs, and download what is missing."""
        cache = self.settings.cache or default_cache()
        return resolve_programs(PROGRAMS, cache, on_progress)

    def plan(self, located: ResolvedPrograms | None = None) -> Plan:
        """Return the plan of processes for this machine."""
        programs = (located or self.locate()).programs
        token = self.secret(self.layout.faults_token)
        return Planner(self.settings, self.layout, programs, token).plan()

    def desired(self, plan: Plan) -> list[Process]:
        """Return the processes that should run; the others are on standby."""
        counts = self.replicas()
        return [
            process
            for process in plan.processes
            if not process.scales or process.number <= counts[process.service]
        ]

    def replicas(self) -> dict[str, int]:
        """Return the replica count of each service: the settings' until it is scaled."""
        counts = {service: self.settings.min_replicas(service) for service in SERVICES}
        with suppress(OSError, ValueError):  # no service was scaled, or a crash cut the file off
            counts.update(json.loads(self.layout.replicas.read_text()))
        return counts

    def set_replicas(self, service: str, count: int) -> None:
        """Store a new replica count."""
        write_json(self.layout.replicas, {**self.replicas(), service: count})

    def secret(self, file: Path) -> str:
        """Return a secret; generate it the first time."""
        if not file.exists() or not file.stat().st_size:  # empty: cut off by a crash
            self.layout.make()
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(32))
        return file.read_text().strip()

    def store(self, located: ResolvedPrograms) -> TsdbStore:
        """Return Prometheus's storage."""
        return TsdbStore(
            folder=self.layout.data / "prometheus",
            url=url(self.settings.ports.prometheus),
            retention=self.settings.retention,
            promtool=located.programs["promtool"].path,
        )

    def require_running(self) -> None:
        """Raise `StackUnavailableError` unless the stack is up."""
        if not self.supervisor.is_running():
            raise StackUnavailableError("The stack is down: start it with `make up`.")

    def lock(self, timeout: float = 0.0) -> AbstractContextManager[None]:
        """Lock this stack against other commands; wait up to `timeout` seconds for the lock."""
        self.layout.make()
        return file_lock(
            self.layout.lock,
            "Another alertdrill command, or the responder, is changing this stack:"
            " wait for it to end.",
            timeout,
        )

    def wait_until_ready(
        self,
        processes: Iterable[Process],
        on_ready: Callable[[Process], None] = lambda _: None,
    ) -> None:
        """Return when all are ready; `on_ready` is called with each.

        Raise `NotReadyError` with the last log line of one that fails or is too slow.
        """
        waiting = list(processes)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while waiting:
            states = self.supervisor.processes()
            for process in list(waiting):
                if http.is_ready(process.ready, PROBE_TIMEOUT_S):
                    waiting.remove(process)
                    on_ready(process)
                elif (
                    states[process.name]["statename"] in FAILED_STATES
                    or time.monotonic() > deadline
                ):
                    raise NotReadyError(self._reason(process))
            time.sleep(POLL_INTERVAL_S if waiting else 0)

    def _reason(self, process: Process) -> str:
        suffixes = ".jsonl", ".stderr.log"
        files = {suffix: self.layout.logs / (process.name + suffix) for suffix in suffixes}
        lines = [line for _, line in next(follow(files, LOG_LINES_SEARCHED)) if line.strip()]
        last_line = f" Its last log line: {lines[-1][:400]}" if lines else ""
        return f"{process.name} is not ready (see `make logs S={process.name}`).{last_line}"
