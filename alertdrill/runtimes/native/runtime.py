"""The native runtime, with supervisord."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ...config.settings import StackSettings
from .. import prometheus_tsdb
from ..base import Instance, ProgressCallback, State, check_replicas
from ..errors import UnknownTargetError
from . import faults, lifecycle, log_files, readiness, scaling
from .context import NativeContext
from .processes import Process, url
from .supervisor import is_paused, signal_instance

# supervisord's states, and ours.
STATES: Mapping[str, State] = {
    "STARTING": "starting",
    "BACKOFF": "starting",
    "STOPPING": "stopped",
    "STOPPED": "stopped",
    "EXITED": "failed",
    "FATAL": "failed",
}


class NativeRuntime:
    """The stack as processes of the current user; a `StackRuntime` and a `FaultTarget`."""

    name = "native"
    follows_new_instances = True  # every possible instance has a log file

    def __init__(self, settings: StackSettings) -> None:
        self.speed, self.ephemeral = settings.speed, settings.ephemeral
        self._context = NativeContext(settings)

    def check(self, on_progress: ProgressCallback) -> None:
        """Check every configuration without starting anything."""
        lifecycle.check(self._context, on_progress)

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        """Start what is not running; return a sentence for each optional component left out."""
        return lifecycle.up(self._context, on_progress)

    def down(self, on_progress: ProgressCallback) -> None:
        """Stop everything that `up` started, also after a crash."""
        lifecycle.down(self._context, on_progress)

    # Read

    def status(self) -> Sequence[Instance]:
        """Return every instance with its state; empty when the stack is down."""
        if not self._context.supervisor.is_running():
            return []
        plan = self._context.plan()
        processes = self._context.supervisor.processes()
        wanted = self._context.replicas.desired(plan)
        return [
            self._instance(process, processes[process.name], process in wanted)
            for process in plan.processes
            if process.name in processes
        ]

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        """Yield (instance, line): the last `lines` of each instance, or all that are kept."""
        for name, file in self._logs(target).items():
            lines_of_file = (
                log_files.read_all_lines(file)
                if lines is None
                else log_files.read_last_lines(file, lines)
            )
            for line in lines_of_file:
                yield name, line

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        """Yield the batch that `logs` would return, then one batch of new lines after another."""
        yield from log_files.follow(self._logs(target), lines)

    def _logs(self, target: str | None) -> Mapping[str, Path]:
        targets = self._targets(target) if target else self._context.plan().processes
        return {
            process.name: self._context.layout.logs / f"{process.name}.jsonl" for process in targets
        }

    def address(self, component: str) -> str:
        """Return the URL of a component of the stack, such as `prometheus`."""
        port = getattr(self._context.settings.ports, component.replace("-", "_"), None)
        if port is None:
            raise UnknownTargetError(f"no component named {component!r}: see `make status`.")
        return url(port)

    def resolve_url(self, link: str) -> str:
        """Return the link unchanged: this process reaches the same URLs as users."""
        return link

    def addresses(self) -> Mapping[str, str]:
        """Return the user-facing URLs, by title."""
        return self._context.plan().addresses

    # Write

    def start(self, target: str) -> None:
        """Start a stopped target; return when it is ready."""
        targets = self._wanted_targets(target)
        for process in targets:
            self._context.supervisor.start(process.name)
        readiness.wait_until_ready(targets, self._context.supervisor_state, self._context.layout)

    def stop(self, target: str, grace: float | None = None) -> None:
        """Stop a target; Prometheus still expects it, so alerts fire."""
        targets = self._wanted_targets(target)
        self._context.supervisor.stop(*(process.name for process in targets), grace=grace)

    def kill(self, target: str) -> None:
        """Kill a target (SIGKILL); supervisord starts it again."""
        self._signal(target, signal.SIGKILL)

    def pause(self, target: str) -> None:
        """Freeze a target (SIGSTOP) until `resume`."""
        self._signal(target, signal.SIGSTOP)

    def resume(self, target: str) -> None:
        """Resume a paused target."""
        self._signal(target, signal.SIGCONT)

    def restart(self, target: str, grace: float | None = None) -> None:
        """Restart the instances of a target gracefully, one after the other."""
        for process in self._wanted_targets(target):
            self._context.supervisor.stop(process.name, grace=grace)
            self._context.supervisor.start(process.name)
            readiness.wait_until_ready(
                [process], self._context.supervisor_state, self._context.layout
            )

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        """Scale a service to `count` instances; the others drain and go on standby."""
        check_replicas(service, count)
        self._context.require_running()
        with self._context.lock():
            scaling.scale(self._context, self._context.plan(), service, count, on_progress)

    def _instance(self, process: Process, info: Mapping[str, object], wanted: bool) -> Instance:
        pid = int(str(info["pid"])) or None
        started = float(str(info["start"]))
        return Instance(
            name=process.name,
            service=process.service,
            state=_state(process, str(info["statename"]), pid, wanted),
            pid=pid,
            address=process.address,
            uptime_seconds=round(time.time() - started, 1) if pid else None,
            healing_enabled=self._context.settings.healing_enabled(process.service),
        )

    # For drills

    def faults_token(self) -> str:
        """Return the token for `/faults` of the services."""
        return self._context.faults_token()

    def responder_token(self) -> str:
        """Return the token for the responder's API."""
        return self._context.responder_token()

    def data_folder(self, component: str) -> Path:
        """Return the data folder of a component."""
        folder = self._context.layout.data / component
        if not folder.is_dir():
            raise UnknownTargetError(f"{component!r} has no data folder: see `make status`.")
        return folder

    def scratch_folder(self) -> Path:
        """Return a folder on the stack's file system for files that grow."""
        self._context.layout.scratch.mkdir(parents=True, exist_ok=True)
        return self._context.layout.scratch

    def break_config(self, component: str, name: str, text: str) -> None:
        """Replace a component's configuration file `name` with `text`."""
        faults.break_config(self._context, component, name, text)

    def restore_config(self, component: str, name: str) -> None:
        """Restore a component's configuration file; delete an extra file."""
        faults.restore_config(self._context, component, name)

    def drop_targets(self, service: str) -> None:
        """Remove a service from Prometheus's list of targets."""
        self._targets(service)
        faults.drop_targets(self._context, service)

    def restore_targets(self) -> None:
        """Restore the complete list of Prometheus's targets."""
        faults.restore_targets(self._context)

    def backfill(self, openmetrics: Path) -> None:
        """Load the samples of an OpenMetrics file into Prometheus."""
        prometheus_tsdb.backfill(self._context.ephemeral_store("backfilled"), openmetrics)

    def delete_series(self) -> None:
        """Delete every sample up to now."""
        prometheus_tsdb.delete_series(self._context.ephemeral_store("deleted"))

    def _targets(self, target: str) -> Sequence[Process]:
        plan = self._context.plan()
        process = plan.process(target)
        targets = [process] if process else plan.processes_of(target)
        if not targets:
            raise UnknownTargetError(f"no instance or service named {target!r}: see `make status`.")
        return targets

    def _wanted_targets(self, target: str) -> Sequence[Process]:
        """Return the instances of a target that should run."""
        self._context.require_running()
        wanted = self._context.replicas.desired(self._context.plan())
        targets = [process for process in self._targets(target) if process in wanted]
        if not targets:
            raise UnknownTargetError(f"{target} is on standby: scale its service to start it.")
        return targets

    def _signal(self, target: str, number: signal.Signals) -> None:
        targets = self._wanted_targets(target)
        processes = self._context.supervisor.processes()
        for process in targets:
            if pid := processes[process.name]["pid"]:
                signal_instance(pid, number)


def _state(process: Process, supervisor_state: str, pid: int | None, wanted: bool) -> State:
    """Return the state of a process that supervisord reports as `supervisor_state`."""
    if supervisor_state in STATES:
        return (
            "standby"
            if STATES[supervisor_state] == "stopped" and not wanted
            else STATES[supervisor_state]
        )
    if pid is not None and is_paused(pid):
        return "paused"
    return "ready" if readiness.is_ready(process) else "unready"
