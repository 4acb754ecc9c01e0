"""A native stack: its files, programs and secrets; its complete start, or none; its end."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path

import psutil

from ...clients import http
from ...config.service import STOP_SECONDS, Service
from ...config.service_values import RELEASE
from ...config.services import SERVICES, longest_response
from ...config.settings import StackSettings
from ...file_lock import file_lock
from ...toolchain.cache import default_cache
from ...toolchain.find import ResolvedPrograms, resolve_programs
from ...toolchain.programs import PROGRAMS
from .. import port_check
from ..base import POLL_INTERVAL_S, ProgressCallback, last_error, require_secrets, wait_until
from ..config_files import create_secret, write_json
from ..errors import NotReadyError, ServiceNotReadyError, StackUnavailableError
from ..prometheus_tsdb import TsdbStore
from . import configs, service_command, tagged_processes
from .components import LOOPBACK
from .haproxy_socket import LoadBalancer
from .layout import Layout
from .log_files import follow
from .plan import Plan, Process, url
from .supervisor import Supervisor

# Slow machines need ten seconds for everything; after a minute, a program has failed.
READY_TIMEOUT_S = 60.0
# A program that ends as often fails again: it has had six seconds.
MAX_STARTS = 4
# A probe is answered within milliseconds, or later by a process that is not ready.
PROBE_TIMEOUT_S = 1.0
RUNNING_STATES = ("RUNNING", "STARTING")
# supervisord no longer restarts it.
FAILED_STATES = ("FATAL", "UNKNOWN")
# Enough lines that one of them is not blank.
LOG_LINES_SEARCHED = 20
# How long processes may take to stop by themselves: requests in flight have 10 s.
STOP_TIMEOUT_S = 15.0
# More than the longest response (`timeout server` of the load balancer): it may begin just before.
DRAIN_MARGIN_S = 5.0
# `down` waits this long for another command that changes the stack: a drain takes 15 s.
LOCK_TIMEOUT_S = 20.0
# These start missing instances again, so they stop before the others.
HEALERS = ("responder-1", "control-1")
HEALERS_STOP_TIMEOUT_S = 3.0  # seconds


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
        return Plan(self.settings, self.layout, programs, token)

    def desired(self, processes: Iterable[Process]) -> list[Process]:
        """Return the processes that should run; the others are on standby."""
        counts = self.replicas()
        return [
            process
            for process in processes
            if not process.scales or process.number <= counts[process.service]
        ]

    def replicas(self) -> dict[str, int]:
        """Return the replica count of each service: its minimum until it is scaled."""
        counts = self.settings.min_replicas()
        with suppress(OSError, ValueError):  # no service was scaled, or a crash cut the file off
            counts.update(json.loads(self.layout.replicas.read_text()))
        return counts

    def set_replicas(self, service: str, count: int) -> None:
        """Store a new replica count."""
        write_json(self.layout.replicas, {**self.replicas(), service: count})

    def secret(self, file: Path) -> str:
        """Return a secret; generate it the first time."""
        self.layout.make()
        return create_secret(file, mode=0o600)

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
            serves = tagged_processes.supervised(self.left_running())
            gone = "supervisord does not answer" if serves else "The stack is down"
            raise StackUnavailableError(f"{gone}: start it with `make up`.")

    def lock(self, timeout: float = 0.0) -> AbstractContextManager[object]:
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
        on_progress: ProgressCallback = lambda _: None,
        deadline: float | None = None,
    ) -> None:
        """Return when all are ready, by `deadline` (monotonic) or within READY_TIMEOUT_S.

        Raise `NotReadyError` with the last log line of one that fails or is too slow.
        """
        waiting = list(processes)
        starts: dict[str, set[int]] = {process.name: set() for process in waiting}
        deadline = deadline or time.monotonic() + READY_TIMEOUT_S
        while waiting:
            states = self.supervisor.processes()
            for process in list(waiting):
                info = states[process.name]
                starts[process.name].add(info["start"])
                if http.is_ready(process.ready, PROBE_TIMEOUT_S):
                    waiting.remove(process)
                    on_progress(f"{process.name} is ready")
                elif (
                    info["statename"] in FAILED_STATES
                    or len(starts[process.name]) > MAX_STARTS
                    or time.monotonic() > deadline
                ):
                    raise NotReadyError(self._reason(process))
            time.sleep(POLL_INTERVAL_S if waiting else 0)

    def _reason(self, process: Process) -> str:
        """Return a sentence about a process that is not ready."""
        suffixes = ".jsonl", ".stderr.log"
        files = {suffix: self.layout.logs / (process.name + suffix) for suffix in suffixes}
        line = last_error(line for _, line in next(follow(files, LOG_LINES_SEARCHED)))
        last_line = f" Its last log line: {line}" if line else ""
        answer = ""
        try:
            http.request("GET", process.ready, timeout=PROBE_TIMEOUT_S)
        except http.UnreachableError as error:
            answer = f" {str(error).rstrip('.')}." if error.status else ""
        return f"{process.name} is not ready (see `make logs S={process.name}`).{answer}{last_line}"

    def check(self, on_progress: ProgressCallback) -> None:
        """Check every configuration without starting anything; raise `ConfigError`."""
        located = self.locate(on_progress)
        with tempfile.TemporaryDirectory() as folder:
            copy = NativeStack(replace(self.settings, home=Path(folder)))
            plan = copy.plan(located)
            configs.write_all(copy.layout, plan, copy.settings, copy.desired(plan.processes))
            configs.check(plan, located.programs)

    def down(self, on_progress: ProgressCallback) -> None:
        """Stop everything that `up` started, also after a crash."""
        if self.layout.home.exists():
            with self.lock(LOCK_TIMEOUT_S):
                self.stop_all(on_progress)

    def left_running(self) -> Sequence[psutil.Process]:
        """Return every process that belongs to the stack, whether or not supervisord runs."""
        return tagged_processes.find_processes(str(self.layout.home))

    def supervise_again(self, on_progress: ProgressCallback) -> bool:
        """Start a supervisord that adopts the processes of a killed one; False without any."""
        left = tagged_processes.supervised(self.left_running())
        if not left:
            return False
        on_progress(f"supervisord does not answer: a new one adopts {len(left)} processes")
        # A frozen one would go on beside the new one, and may have only been slow.
        tagged_processes.kill_processes(self._supervisors())
        self.supervisor.launch()
        return True

    def _supervisors(self) -> Sequence[psutil.Process]:
        return tagged_processes.find_supervisors(str(self.layout.home))

    def start_new(
        self, plan: Plan, located: ResolvedPrograms, on_progress: ProgressCallback
    ) -> None:
        """Write and check the files, and start everything; raise an error if that fails.

        After a `ServiceNotReadyError` all but the services that it names run.
        """
        port_check.check(self._ports(plan))
        layout = self.layout
        layout.replicas.unlink(missing_ok=True)
        if self.settings.ephemeral:
            shutil.rmtree(layout.data)  # a new ephemeral stack starts without old data
            layout.make()
            for service in SERVICES.values():
                self.provide_files(service)
        desired = self.desired(plan.processes)
        configs.write_all(layout, plan, self.settings, desired)
        configs.check(plan, located.programs)
        configs.write_digests(layout)
        for file in (layout.grafana_password, layout.control_token, layout.responder_token):
            self.secret(file)
        layout.lb_state.unlink(missing_ok=True)
        if self.settings.ephemeral:
            self.store(located).write_markers()
        self.supervisor.launch()
        try:
            self.start_desired(desired, on_progress)
        except ServiceNotReadyError:
            self._put_on_standby(plan, desired)
            raise
        self._put_on_standby(plan, desired)

    def _put_on_standby(self, plan: Plan, desired: Sequence[Process]) -> None:
        for process in plan.processes:
            if process not in desired:
                self.lb.set(process.service, process.name, "maint")

    def _ports(self, plan: Plan) -> Mapping[tuple[str, int], str]:
        """Return the variable that sets each address and port."""
        ports = self.settings.ports
        addresses = {ports.lb: self.settings.lb_address}
        variables = {port: f"{name.upper()}_PORT" for name, port in vars(ports).items()}
        return {
            (addresses.get(port, LOOPBACK), port): variables.get(port, "INSTANCES_PORT")
            for process in plan.processes
            for port in process.ports
        }

    def provide_files(self, service: Service) -> None:
        """Create the volumes and the generated secrets of a service.

        Raises `StackUnavailableError` if the operator has to provide a secret.
        """
        require_secrets(service)
        for name in service.volumes:
            self.layout.volume(service.name, name).mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, origin in service.secrets.items():
            file = self.layout.secret(service, name)
            if origin == "generated":
                file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self.secret(file)

    def start_desired(self, desired: Sequence[Process], on_progress: ProgressCallback) -> None:
        """Start what does not run; return when everything is ready.

        A service that can't be started does not stop the others. Raises `ServiceNotReadyError` with
        the reason of each, and `NotReadyError` for a component.
        """
        states = self.supervisor.processes()
        new = [item for item in desired if states[item.name]["statename"] not in RUNNING_STATES]
        services = dict.fromkeys(item.service for item in new if item.scales)
        failed = dict(self._release(services, on_progress))
        for process in new:
            if process.service not in failed:
                self.supervisor.start(process.name)

        # They start together, so that all have had their time when one has.
        deadline = time.monotonic() + READY_TIMEOUT_S
        self.wait_until_ready([item for item in desired if not item.scales], on_progress)
        for service in dict.fromkeys(item.service for item in desired if item.scales):
            instances = [item for item in desired if item.service == service]
            try:
                if service not in failed:
                    self.wait_until_ready(instances, on_progress, deadline)
                    for process in instances:  # one may have been on standby, or draining
                        if process in new or not self.lb.is_up(service, process.name):
                            self.lb.set(service, process.name, "ready")
                    self.wait_for_lb(instances)
            except NotReadyError as error:
                failed[service] = str(error)
        if failed:
            raise ServiceNotReadyError(" ".join(failed.values()))

    def start_instances(self, instances: Sequence[Process], on_progress: ProgressCallback) -> None:
        """Start instances of a service; return when they are ready."""
        self.supervisor.start(*(process.name for process in instances))
        self.wait_until_ready(instances, on_progress)

    def drain(self, leaving: Sequence[Process]) -> None:
        """Drain at the load balancer, then stop; each waits for its last scrape by itself."""
        try:
            for process in leaving:
                self.lb.set(process.service, process.name, "drain")
            for process in leaving:
                self._wait_for_requests(process)
        except BaseException:
            for process in leaving:
                self.lb.set(process.service, process.name, "ready")  # undo: they keep running
            raise
        self.supervisor.stop(*(process.name for process in leaving))
        for process in leaving:
            self.lb.set(process.service, process.name, "maint")

    def _wait_for_requests(self, process: Process) -> None:
        """Return when no request is on its way; a WebSocket or an event stream may go on."""
        limits = SERVICES[process.service].limits
        try:
            wait_until(
                lambda: not self.lb.sessions(process.service, process.name),
                f"{process.name} to finish its requests",
                limits.response + DRAIN_MARGIN_S,
            )
        except NotReadyError:
            if not limits.tunnel_timeout:
                raise

    def wait_for_lb(self, instances: Iterable[Process]) -> None:
        """Return when the load balancer sends requests to the instances."""
        for process in instances:
            wait_until(
                lambda process=process: self.lb.is_up(process.service, process.name),  # type: ignore[misc]
                f"the load balancer to mark {process.name} as up",
            )

    def run_release(self, service: str, on_progress: ProgressCallback) -> None:
        """Run the `release` of a service, if it has one; raise `NotReadyError` if that fails."""
        for _, reason in self._release([service], on_progress):
            raise NotReadyError(reason)

    def _release(
        self, services: Iterable[str], on_progress: ProgressCallback
    ) -> Iterator[tuple[str, str]]:
        """Run the `release` of services; yield each that fails, with the reason."""
        for name in services:
            command = SERVICES[name].release if name in SERVICES else None
            if command:
                on_progress(f"{name}: {command}")
                process = self.plan().of(name)[0]
                try:
                    log = self.layout.logs / f"{name}{RELEASE}.log"
                    service_command.run_to_end(process, shlex.split(command), log, self.layout.home)
                except NotReadyError as error:
                    yield name, f"{name} has no new instances: {error}"

    def stop_all(self, on_progress: ProgressCallback) -> None:
        """Stop healing first, then traffic, so that the services have nothing left to drain."""
        if self.supervisor.is_running():
            on_progress("stopping")
            processes = self.supervisor.processes()
            healers = [name for name in HEALERS if name in processes]
            self._stop_quickly(healers)
            # What the control API is doing is obsolete; the responder's database is on disk.
            self.supervisor.stop(*healers, grace=HEALERS_STOP_TIMEOUT_S)
            self.supervisor.stop("lb-1", grace=STOP_SECONDS + longest_response(SERVICES))
            self._stop_quickly([name for name in processes if name not in healers])
            self.supervisor.shutdown()
            deadline = time.monotonic() + STOP_TIMEOUT_S
            while self._supervisors() and time.monotonic() < deadline:
                time.sleep(POLL_INTERVAL_S)
        else:
            # Killed or frozen, and in any case it must not start again what is stopped below.
            tagged_processes.kill_processes(self._supervisors())
        if leftover := self.left_running():
            names = tagged_processes.describe(leftover)
            on_progress(f"stopping leftover processes: {names}")
            tagged_processes.terminate_processes(leftover)
        for socket in (self.layout.supervisor_socket, self.layout.lb_socket):
            socket.unlink(missing_ok=True)
        shutil.rmtree(self.layout.scratch, ignore_errors=True)  # it may not exist
        if not self.layout.sockets.is_relative_to(self.layout.home):
            with suppress(OSError):  # not empty: another version has a socket there
                self.layout.sockets.rmdir()

    def _stop_quickly(self, names: Sequence[str]) -> None:
        """Request processes to stop, and signal those that drain to stop at once."""
        self.supervisor.request_stop(*names)
        processes = self.supervisor.processes()
        # These stop at once on a second signal; the others are quick anyway.
        draining = (*SERVICES, "responder", "control")
        for name in names:
            if (pid := processes[name]["pid"]) and name.startswith(draining):
                tagged_processes.signal_instance(pid, signal.SIGCONT)
                tagged_processes.signal_instance(pid, signal.SIGQUIT)
