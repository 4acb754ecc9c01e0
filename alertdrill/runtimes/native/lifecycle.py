"""Start and stop a native stack completely, or not at all."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...config.services import SERVICES
from ...toolchain.find import ResolvedPrograms
from .. import port_check
from ..base import POLL_INTERVAL_S, ProgressCallback, wait_until
from . import configs, supervisor
from .components import LOOPBACK
from .plan import Plan, Process
from .stack import NativeStack

# How long processes may take to stop by themselves: requests in flight have 10 s.
STOP_TIMEOUT_S = 15.0
# `down` waits this long for another command that changes the stack: a drain takes 15 s.
LOCK_TIMEOUT_S = 20.0
# These start missing instances again, so they stop before the others.
HEALERS = ("responder-1", "control-1")
HEALERS_STOP_TIMEOUT_S = 3.0  # seconds


class Lifecycle(NativeStack):
    """A native stack that can be checked, started and stopped."""

    def check(self, on_progress: ProgressCallback) -> None:
        """Check every configuration without starting anything; raise `ConfigError`."""
        located = self.locate(on_progress)
        with tempfile.TemporaryDirectory() as folder:
            copy = NativeStack(replace(self.settings, home=Path(folder)))
            plan = copy.plan(located)
            configs.write_all(copy.layout, plan, copy.settings, copy.desired(plan))
            configs.check(plan, located.programs)

    def up(self, on_progress: ProgressCallback) -> Sequence[str]:
        """Start what is not running; return a sentence for each optional component left out."""
        located = self.locate(on_progress)
        with self.lock():
            plan = self.plan(located)
            if self.supervisor.is_running() and self._is_unchanged(plan):
                self._start(self.desired(plan), on_progress)
            else:
                self._stop(on_progress)
                try:
                    self._start_new(plan, located, on_progress)
                except BaseException:
                    self._stop(on_progress)  # also on Ctrl-C: leave no partial stack
                    raise
        return located.missing

    def down(self, on_progress: ProgressCallback) -> None:
        """Stop everything that `up` started, also after a crash."""
        if self.layout.home.exists():
            with self.lock(LOCK_TIMEOUT_S):
                self._stop(on_progress)

    def _is_unchanged(self, plan: Plan) -> bool:
        files = configs.generated(self.layout, plan, self.settings)
        return all(file.exists() and file.read_text() == text for file, text in files.items())

    def _start_new(
        self, plan: Plan, located: ResolvedPrograms, on_progress: ProgressCallback
    ) -> None:
        port_check.check(self._ports(plan))
        layout = self.layout
        layout.replicas.unlink(missing_ok=True)
        if self.settings.ephemeral:
            shutil.rmtree(layout.data)  # a new ephemeral stack starts without old data
            layout.make()
        desired = self.desired(plan)
        configs.write_all(layout, plan, self.settings, desired)
        configs.check(plan, located.programs)
        for file in (layout.grafana_password, layout.control_token, layout.responder_token):
            self.secret(file)
        layout.lb_state.unlink(missing_ok=True)
        if self.settings.ephemeral:
            self.store(located).write_markers()
        self.supervisor.launch()
        self._start(desired, on_progress)
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
            for port in (process.port, *process.more_ports)
        }

    def _start(self, desired: Sequence[Process], on_progress: ProgressCallback) -> None:
        processes = self.supervisor.processes()
        for process in desired:
            if processes[process.name]["statename"] not in ("RUNNING", "STARTING"):
                self.supervisor.start(process.name)
        self.wait_until_ready(desired, lambda process: on_progress(f"{process.name} is ready"))
        for process in desired:
            if process.scales:
                wait_until(
                    lambda process=process: self.lb.is_up(process.service, process.name),  # type: ignore[misc]
                    f"the load balancer to mark {process.name} as up",
                )

    def _stop(self, on_progress: ProgressCallback) -> None:
        """Stop healing first, then traffic, so that the services have nothing left to drain."""
        tag = str(self.layout.home)
        if self.supervisor.is_running():
            on_progress("stopping")
            processes = self.supervisor.processes()
            healers = [name for name in HEALERS if name in processes]
            self._stop_quickly(healers)
            # What the control API is doing is obsolete; the responder's database is on disk.
            self.supervisor.stop(*healers, grace=HEALERS_STOP_TIMEOUT_S)
            self.supervisor.stop("lb-1")
            self._stop_quickly([name for name in processes if name not in healers])
            self.supervisor.shutdown()
            deadline = time.monotonic() + STOP_TIMEOUT_S
            while supervisor.find_processes(tag) and time.monotonic() < deadline:
                time.sleep(POLL_INTERVAL_S)
        leftover = supervisor.find_processes(tag)
        if leftover:
            on_progress(f"stopping {len(leftover)} leftover processes")
            supervisor.terminate_processes(leftover)
        for socket in (self.layout.supervisor_socket, self.layout.lb_socket):
            socket.unlink(missing_ok=True)
        shutil.rmtree(self.layout.scratch, ignore_errors=True)  # it may not exist

    def _stop_quickly(self, names: Sequence[str]) -> None:
        """Request processes to stop, and signal those that drain to stop at once."""
        self.supervisor.request_stop(*names)
        processes = self.supervisor.processes()
        # These stop at once on a second signal; the others are quick anyway.
        gunicorns = (*SERVICES, "responder", "control")
        for name in names:
            if (pid := processes[name]["pid"]) and name.startswith(gunicorns):
                supervisor.signal_instance(pid, signal.SIGCONT)
                supervisor.signal_instance(pid, signal.SIGQUIT)
