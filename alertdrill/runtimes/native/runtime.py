"""The native runtime, with supervisord."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ...clients import http
from ...clients.alertmanager import USER
from ...config.components import SUPERVISOR
from ...config.services import SERVICES
from ...config.settings import StackSettings
from ...toolchain.find import ResolvedPrograms
from .. import config_files
from ..base import Instance, ProgressCallback, State, check_replicas, require_service
from ..errors import NotReadyError, ServiceNotReadyError, UnknownTargetError
from ..prometheus_tsdb import TsdbError, TsdbStore
from . import configs, environments, live_update, log_files, service_command, tagged_processes
from .plan import Plan, Process, url
from .stack import PROBE_TIMEOUT_S, NativeStack
from .supervisor_watch import SupervisorWatch
from .tagged_processes import supervised

IN_CONTAINERS = "only a stack in containers (RUNTIME=compose) has it."
# supervisord's states, and ours.
STATES: Mapping[str, State] = {
    "STARTING": "starting",
    "BACKOFF": "starting",
    "STOPPING": "stopped",
    "STOPPED": "stopped",
    "EXITED": "failed",
    "FATAL": "failed",
}


class NativeRuntime(NativeStack):
    """The stack as processes of the current user; a `StackRuntime` and a `FaultTarget`."""

    name = "native"
    supervisor_name = "supervisord"
    follows_new_instances = True  # every possible instance has a log file

    def __init__(self, settings: StackSettings) -> None:
        super().__init__(settings)
        self.speed, self.ephemeral = settings.speed, settings.ephemeral

    # Read

    def status(self) -> Sequence[Instance]:
        """Return every instance with its state; empty when the stack is down.

        supervisord is one of them. The others may outlive it, and then serve without it.
        """
        running = self.supervisor.is_running()
        if not running and not supervised(self.left_running()):
            return []
        processes = self.plan().processes
        states = self.supervisor.processes() if running else self._unsupervised(processes)
        desired = self.desired(processes)
        return [
            *(
                self._instance(process, states[process.name], process in desired)
                for process in processes
                if process.name in states
            ),
            self._supervisor(self.supervisor.pid() if running else None),
        ]

    def _unsupervised(self, processes: Iterable[Process]) -> Mapping[str, Mapping[str, Any]]:
        """Return what supervisord would tell about the processes that outlived it."""
        states: dict[str, Mapping[str, Any]] = {
            name: {"statename": "STOPPED", "pid": 0} for name in _names(processes)
        }
        for name, process in supervised(self.left_running()).items():
            start = process.create_time()
            states[name] = {"statename": "RUNNING", "pid": process.pid, "start": start}
        return states

    def _supervisor(self, pid: int | None) -> Instance:
        created = psutil.Process(pid).create_time() if pid else None
        return Instance(
            name=f"{SUPERVISOR}-1",
            service=SUPERVISOR,
            state="failed" if pid is None else "ready",
            pid=pid,
            address="",  # a socket that only its user can open
            uptime_seconds=round(time.time() - created, 1) if created else None,
        )

    def _instance(self, process: Process, info: Mapping[str, Any], desired: bool) -> Instance:
        pid = info["pid"] or None
        state = STATES.get(info["statename"])
        if state == "stopped" and not desired:
            state = "standby"
        elif state is None and pid and tagged_processes.is_paused(pid):
            state = "paused"
        elif state is None:
            state = "ready" if http.is_ready(process.ready, PROBE_TIMEOUT_S) else "unready"
        return Instance(
            name=process.name,
            service=process.service,
            state=state,
            pid=pid,
            address=process.address,
            uptime_seconds=round(time.time() - info["start"], 1) if pid else None,
            healing_enabled=self.settings.healing_enabled(process.service),
            ops_address=process.ops_address,
        )

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        """Yield (instance, line): the last `lines` of each instance, or all that are kept."""
        yield from next(self.follow(target, lines))

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        """Yield the batch that `logs` would return, then one batch of new lines after another."""
        processes = self._targets(target) if target else self.plan().processes
        logs = {process.name: self.layout.logs / f"{process.name}.jsonl" for process in processes}
        return log_files.follow(logs, lines)

    def lost_log_lines(self) -> Mapping[str, float]:
        """Return how many lines of each process did not fit in its log file."""
        return self.supervisor.lost_log_lines()

    def supervisor_answers(self) -> bool:
        """Return whether supervisord answers."""
        return self.supervisor.is_running()

    def watch_supervisor(self) -> None:
        """Start supervisord again whenever it is killed; never return."""
        SupervisorWatch(self).run_forever()

    def address(self, component: str) -> str:
        """Return the URL of a component of the stack, such as `prometheus`."""
        port = getattr(self.settings.ports, component.replace("-", "_"), None)
        if port is None:
            raise UnknownTargetError(f"no component named {component!r}: see `make status`.")
        return url(port)

    def resolve_url(self, link: str) -> str:
        """Return the link unchanged: this process reaches the same URLs as users."""
        return link

    def addresses(self) -> Mapping[str, str]:
        """Return the user-facing URLs, by title."""
        return self.plan().addresses

    # Write

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        """Start what is not running, or apply a change; return a sentence for each missing program.

        Raises `ServiceNotReadyError` if only services of ours do not become ready: all else runs.
        """
        located = self.locate(on_progress)
        with self.lock():
            plan = self.plan(located)
            for service in SERVICES.values():
                self.provide_files(service)
                environments.prepare(service, on_progress)
            files = configs.generated(self.layout, plan, self.settings)
            changed = self._changed(files)
            serves = self.supervisor.is_running() or (
                not changed and self.supervise_again(on_progress)
            )
            reason = changed and serves and live_update.obstacle(self, files, plan)
            if reason:
                on_progress(f"restarting everything: {reason}")
            if reason or not serves:
                self._restart_everything(plan, located, on_progress)
            elif changed or live_update.is_pending(self, plan):
                self.check(on_progress)  # what is broken changes nothing
                live_update.apply(self, plan, on_progress)
            else:
                live_update.reload_configs(self, on_progress)
                live_update.match_counts(self, plan, on_progress)
            # The user's stack may still run from what an ephemeral one does not need.
            if not self.ephemeral:
                environments.remove_old()
            outdated = live_update.with_new_code(self, plan)
        self._renew_all(outdated, on_progress)
        passwords = {f"Alertmanager's password for `{USER}`": self.layout.alertmanager_password}
        if plan.of("grafana"):
            passwords["Grafana's password for `admin`"] = self.layout.grafana_password
        for title, file in passwords.items():
            on_progress(f"{title}: cat {file}")
        images = [name for name, service in SERVICES.items() if service.image]
        return [*located.missing, *(f"{name} has an image: {IN_CONTAINERS}" for name in images)]

    def _renew_all(self, services: Sequence[str], on_progress: ProgressCallback) -> None:
        """Renew services whose code has changed; raise `ServiceNotReadyError` with each failure."""
        failed = []
        for service in services:
            on_progress(f"{service} has new code")
            try:
                self.renew(service, on_progress)
            except NotReadyError as error:
                failed.append(str(error))
        if failed:
            raise ServiceNotReadyError(" ".join(failed))

    def _changed(self, files: Mapping[Path, str]) -> bool:
        return any(not file.exists() or file.read_text() != text for file, text in files.items())

    def _restart_everything(
        self, plan: Plan, located: ResolvedPrograms, on_progress: ProgressCallback
    ) -> None:
        self.stop_all(on_progress)
        try:
            self.start_new(plan, located, on_progress)
        except ServiceNotReadyError:
            raise  # the others serve
        except BaseException:
            self.stop_all(on_progress)  # also on Ctrl-C: leave no partial stack
            raise

    def start(self, target: str) -> None:
        """Start a stopped target; return when it is ready."""
        self._start_processes(self._desired_targets(target))

    def _start_processes(self, processes: Sequence[Process]) -> None:
        self.supervisor.start(*_names(processes))
        self.wait_until_ready(processes)

    def stop(self, target: str, grace: float | None = None) -> None:
        """Stop a target; Prometheus still expects it, so alerts fire."""
        self.supervisor.stop(*_names(self._desired_targets(target)), grace=grace)

    def kill(self, target: str) -> None:
        """Kill a target (SIGKILL); supervisord starts it again."""
        self._signal(target, signal.SIGKILL)

    def pause(self, target: str) -> None:
        """Freeze a target (SIGSTOP) until `resume`."""
        self._signal(target, signal.SIGSTOP)

    def resume(self, target: str) -> None:
        """Resume a paused target."""
        self._signal(target, signal.SIGCONT)

    def signal_supervisor(self, number: signal.Signals) -> None:
        """Send a signal to supervisord alone; harmless if it does not run."""
        for process in self._supervisors():
            with suppress(psutil.Error):
                process.send_signal(number)

    def restart(self, target: str, grace: float | None = None) -> None:
        """Restart the instances of a target gracefully, one after the other."""
        for process in self._desired_targets(target):
            try:
                self.supervisor.stop(process.name, grace=grace)
            except BaseException:  # Ctrl-C must not leave it stopped
                self.supervisor.stop(process.name, grace=grace)
                self.supervisor.start(process.name)
                raise
            self._start_processes([process])

    def renew(self, service: str, on_progress: ProgressCallback) -> None:
        """Restart the instances of a service, which run the code of the checkout.

        A second one serves while the only one restarts.
        """
        environments.prepare(SERVICES[service], on_progress)
        if self._changed(configs.generated(self.layout, self.plan(), self.settings)):
            before = self._processes_of(service)
            self.up(on_progress)  # its environment is another one, or its declaration
            if self._processes_of(service) != before:
                return
        self.run_release(service, on_progress)
        count = self.replicas()[service]
        if count == 1:
            self.scale(service, 2, on_progress)
        self.restart(f"{service}-1" if count == 1 else service)
        if count == 1:
            self.scale(service, 1, on_progress)
        on_progress(f"{service} is renewed")

    def _processes_of(self, service: str) -> Sequence[int]:
        states = self.supervisor.processes()
        return [states[process.name]["pid"] for process in self.plan().of(service)]

    def execute(self, service: str, command: Sequence[str]) -> int:
        """Run a command with the code, environment and files of a service; return its exit code."""
        declared = require_service(service)
        if declared.image:
            raise UnknownTargetError(f"{service} has an image: {IN_CONTAINERS}")
        self.provide_files(declared)
        environments.prepare(declared, lambda _: None)
        return service_command.run_in_terminal(self.plan().of(service)[0], command)

    def test(self, service: str, arguments: Sequence[str]) -> int:
        """Run the tests of a service as `execute` runs a command; return their exit code."""
        command = service_command.tests(require_service(service))
        return self.execute(service, [*command, *arguments])

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        """Scale a service to `count` instances without losing a request."""
        check_replicas(service, count)
        self.require_running()
        with self.lock():
            plan, previous = self.plan(), self.replicas()[service]
            processes = plan.of(service)
            new, leaving = processes[previous:count], processes[count:previous]
            try:
                self._start_processes(new)
            except BaseException:
                self.supervisor.stop(*_names(new))  # undo: they get no requests
                raise
            self.drain(leaving)
            for process in leaving:
                on_progress(f"{process.name} is on standby")
            self.set_replicas(service, count)
            # Scrape a new instance before it gets requests, and a leaving one until it has stopped.
            configs.write_targets(self.layout, "services", self.desired(plan.processes))
            for process in new:
                self.lb.set(process.service, process.name, "ready")
                on_progress(f"{process.name} is ready")

    # For drills

    def faults_token(self) -> str:
        """Return the token for `/faults` of the services."""
        return self.secret(self.layout.faults_token)

    def responder_token(self) -> str:
        """Return the token for the responder's API."""
        return self.secret(self.layout.responder_token)

    def alertmanager_password_file(self) -> Path:
        """Return the file with Alertmanager's password."""
        return self.layout.alertmanager_password

    def data_folder(self, component: str) -> Path:
        """Return the data folder of a component."""
        folder = self.layout.data / component
        if not folder.is_dir():
            raise UnknownTargetError(f"{component!r} has no data folder: see `make status`.")
        return folder

    def scratch_folder(self) -> Path:
        """Return a folder on the stack's file system for files that grow."""
        self.layout.scratch.mkdir(parents=True, exist_ok=True)
        return self.layout.scratch

    def break_config(self, component: str, name: str, text: str) -> None:
        """Replace a component's configuration file `name` with `text`."""
        path = config_files.require_replaceable(configs.SOURCES, component, name)
        config_files.write_atomically(self.layout.etc / path, text)
        self._reread(component)

    def restore_config(self, component: str, name: str) -> None:
        """Restore a component's configuration file; delete an extra file."""
        path = config_files.require_replaceable(configs.SOURCES, component, name)
        if path == config_files.WEBHOOK_URL_FILE:
            configs.write_webhook(self.layout, self.plan())
        elif path in configs.SOURCES:
            configs.install(self.layout, path, self.settings.speed)
        else:
            (self.layout.etc / path).unlink(missing_ok=True)
        self._reread(component)

    def _reread(self, component: str) -> None:
        if component in config_files.SELF_RELOADING:
            return
        for name, info in self.supervisor.processes().items():
            # A stopped process reads it when it starts.
            if info["pid"] and name.rpartition("-")[0] == component:
                tagged_processes.signal_instance(info["pid"], signal.SIGHUP)

    def drop_targets(self, service: str) -> None:
        """Remove a service from Prometheus's list of targets.

        Prometheus reads the list every five seconds, at any speed.
        """
        self._targets(service)
        self._write_targets(without=service)

    def restore_targets(self) -> None:
        """Restore the complete list of Prometheus's targets."""
        self._write_targets()

    def _write_targets(self, without: str = "") -> None:
        listed = [item for item in self.desired(self.plan().processes) if item.service != without]
        for job in ("stack", "services"):
            configs.write_targets(self.layout, job, listed)

    def backfill(self, openmetrics: Path) -> None:
        """Load the samples of an OpenMetrics file into Prometheus."""
        self._ephemeral_store("backfilled").backfill(openmetrics)

    def delete_series(self) -> None:
        """Delete every sample up to now."""
        self._ephemeral_store("deleted").delete_series()

    def _ephemeral_store(self, verb: str) -> TsdbStore:
        if not self.ephemeral:
            raise TsdbError(f"The series of this stack can't be {verb}: use an ephemeral stack.")
        self.require_running()
        return self.store(self.locate())

    def _targets(self, target: str) -> Sequence[Process]:
        processes = self.plan().of(target)
        if not processes:
            raise UnknownTargetError(f"no instance or service named {target!r}: see `make status`.")
        return processes

    def _desired_targets(self, target: str) -> Sequence[Process]:
        """Return the instances of a target that should run."""
        self.require_running()
        processes = self.desired(self._targets(target))
        if not processes:
            raise UnknownTargetError(f"{target} is on standby: scale its service to start it.")
        return processes

    def _signal(self, target: str, number: signal.Signals) -> None:
        names = _names(self._desired_targets(target))
        processes = self.supervisor.processes()
        for name in names:
            if pid := processes[name]["pid"]:
                tagged_processes.signal_instance(pid, number)


def _names(processes: Iterable[Process]) -> list[str]:
    return [process.name for process in processes]
