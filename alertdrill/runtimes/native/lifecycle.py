"""Start and stop a native stack completely, or not at all."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...config.services import SERVICES
from ...config.settings import StackSettings
from ...toolchain.find import Program
from .. import port_check, prometheus_tsdb
from ..base import POLL_INTERVAL_S, ProgressCallback, wait_until
from ..config_files import write_atomically
from . import configs, readiness, supervisor
from .context import NativeContext
from .layout import Layout
from .plan import make_plan, stack_file
from .processes import LOOPBACK, Plan, Process, RenderContext, url

# How long processes may take to stop by themselves: requests in flight have 10 s.
STOP_TIMEOUT_S = 15.0
# `down` waits this long for another command that changes the stack: a drain takes 15 s.
TIMEOUT_S = 20.0
# These start missing instances again, so they stop before the others.
HEALERS = ("responder-1", "control-1")
HEALERS_STOP_TIMEOUT_S = 3.0  # seconds


def check(context: NativeContext, on_progress: ProgressCallback) -> None:
    """Check every configuration in a temporary folder; raise `ConfigError`."""
    located = context.locate(on_progress)
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder))
        layout.make()
        plan = make_plan(RenderContext(context.settings, layout, located.programs, token=""))
        _write(layout, plan, context.settings, context.replicas.desired(plan))
        configs.check(layout, plan, located.programs)


def up(context: NativeContext, on_progress: ProgressCallback) -> Sequence[str]:
    """Start what is not running; return a sentence for each optional component left out."""
    located = context.locate(on_progress)
    with context.lock():
        plan = context.plan(located)
        rendered = supervisor.render(plan.processes, context.layout)
        if context.supervisor.is_running() and _is_unchanged(context, plan, rendered):
            _start(context, context.replicas.desired(plan), on_progress)
        else:
            _stop(context, on_progress)
            try:
                _start_new(context, plan, located.programs, on_progress)
            except BaseException:
                _stop(context, on_progress)  # also on Ctrl-C: leave no partial stack
                raise
    return located.missing


def down(context: NativeContext, on_progress: ProgressCallback) -> None:
    """Stop everything that `up` started, also after a crash."""
    if context.layout.home.exists():
        with context.lock(TIMEOUT_S):
            _stop(context, on_progress)


def _is_unchanged(context: NativeContext, plan: Plan, rendered: str) -> bool:
    now = {
        context.layout.supervisor_config: rendered,
        context.layout.stack: stack_file(context.settings),
        **configs.lb_files(context.layout, plan),
    }
    return all(file.exists() and file.read_text() == text for file, text in now.items())


def _start_new(
    context: NativeContext,
    plan: Plan,
    programs: Mapping[str, Program],
    on_progress: ProgressCallback,
) -> None:
    port_check.check(_wanted_ports(plan, context.settings))
    context.replicas.reset()
    if context.settings.ephemeral:
        shutil.rmtree(context.layout.data)  # a new ephemeral stack starts without old data
        context.layout.make()
    wanted = context.replicas.desired(plan)
    _write(context.layout, plan, context.settings, wanted)
    configs.check(context.layout, plan, programs)
    context.make_secrets()
    write_atomically(context.layout.stack, stack_file(context.settings))
    context.layout.lb_state.unlink(missing_ok=True)
    context.layout.supervisor_config.write_text(supervisor.render(plan.processes, context.layout))
    if context.settings.ephemeral:
        prometheus_tsdb.write_markers(context.store(programs))
    supervisor.start(context.layout)
    _start(context, wanted, on_progress)
    for process in plan.processes:
        if process not in wanted:
            context.lb.set(process.service, process.name, "maint")


def _write(layout: Layout, plan: Plan, settings: StackSettings, wanted: Sequence[Process]) -> None:
    configs.write_all(layout, plan, url(settings.ports.responder), settings.speed)
    configs.write_service_targets(layout, wanted)


def _wanted_ports(plan: Plan, settings: StackSettings) -> dict[tuple[str, int], str]:
    """Return the variable that sets each address and port."""
    address = {settings.ports.lb: settings.lb_address}
    variables = {port: f"{name.upper()}_PORT" for name, port in vars(settings.ports).items()}
    return {
        (address.get(port, LOOPBACK), port): variables.get(port, "INSTANCES_PORT")
        for process in plan.processes
        for port in (process.port, *process.more_ports)
    }


def _start(
    context: NativeContext, wanted: Sequence[Process], on_progress: ProgressCallback
) -> None:
    processes = context.supervisor.processes()
    for process in wanted:
        if processes[process.name]["statename"] not in ("RUNNING", "STARTING"):
            context.supervisor.start(process.name)
    readiness.wait_until_ready(
        wanted,
        context.supervisor_state,
        context.layout,
        lambda process: on_progress(f"{process.name} is ready"),
    )
    for process in wanted:
        if process.scales:
            wait_until(
                lambda process=process: context.lb.is_up(process.service, process.name),  # type: ignore[misc]
                f"the load balancer to mark {process.name} as up",
            )


def _stop(context: NativeContext, on_progress: ProgressCallback) -> None:
    """Stop healing first, then traffic, so that the services have nothing left to drain."""
    if context.supervisor.is_running():
        on_progress("stopping")
        processes = context.supervisor.processes()
        healers = [name for name in HEALERS if name in processes]
        _stop_quickly(context, healers)
        # The control API's running operations are obsolete; the responder's database is on disk.
        context.supervisor.stop(*healers, grace=HEALERS_STOP_TIMEOUT_S)
        context.supervisor.stop("lb-1")
        _stop_quickly(context, [name for name in processes if name not in healers])
        context.supervisor.shutdown()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while supervisor.find_processes(context.process_tag) and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL_S)
    leftover = supervisor.find_processes(context.process_tag)
    if leftover:
        on_progress(f"stopping {len(leftover)} leftover processes")
        supervisor.terminate_processes(leftover)
    for socket in (context.layout.supervisor_socket, context.layout.lb_socket):
        socket.unlink(missing_ok=True)
    shutil.rmtree(context.layout.scratch, ignore_errors=True)  # it may not exist


def _stop_quickly(context: NativeContext, names: Sequence[str]) -> None:
    """Request processes to stop, and signal those that drain to stop at once."""
    context.supervisor.request_stop(*names)
    processes = context.supervisor.processes()
    # These stop at once on a second signal; the others are quick anyway.
    gunicorns = (*SERVICES, "responder", "control")
    for info in (processes[name] for name in names):
        if info["pid"] and info["name"].startswith(gunicorns):
            supervisor.signal_instance(info["pid"], signal.SIGCONT)
            supervisor.signal_instance(info["pid"], signal.SIGQUIT)
