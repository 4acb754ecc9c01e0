"""Apply a change of apps/services.yml to a running stack without losing a request."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ...config.services import SERVICES
from .. import service_code
from ..base import ProgressCallback, wait_until
from ..config_files import BACKENDS_FILE
from ..errors import NotReadyError, ServiceNotReadyError
from . import configs, tagged_processes
from .plan import Plan, Process
from .stack import NativeStack
from .supervisor import program_digest
from .tagged_processes import variable_of

# supervisord does not start it by itself.
STOPPED_STATES = ("STOPPED", "EXITED", "FATAL", "UNKNOWN")
# They read the services at their start, or at another signal than SIGHUP.
CONTROL, LB = "control-1", "lb-1"


def obstacle(stack: NativeStack, files: Mapping[Path, str], plan: Plan) -> str:
    """Return why the stack has to restart; empty if only services have changed.

    `files` are those that the stack should have. A service whose port changes needs a restart: its
    old and its new instances would have the same names.
    """
    config, settings = stack.layout.supervisor_config, stack.layout.stack
    if not config.exists() or not settings.exists():
        return "its configuration is gone"
    if _without_services(settings.read_text()) != _without_services(files[settings]):
        return "a setting has changed"
    old, new = _programs(config.read_text()), _programs(files[config])
    components = {process.name for process in plan.processes if not process.scales} - {CONTROL}
    for name in ("", *sorted(components)):
        if old.get(name) != new.get(name):
            return f"{name or 'supervisord'} has changed"
    for name in sorted(old.keys() & new.keys()):
        if _port(old[name]) != _port(new[name]):
            return f"{name} has another port"
    return ""


def is_pending(stack: NativeStack, plan: Plan) -> bool:
    """Return whether an instance or the load balancer runs with another configuration.

    An interrupted `up` leaves that, or one with a service that did not become ready.
    """
    programs = stack.supervisor.processes()
    if programs.keys() != {process.name for process in plan.processes}:
        return True
    text = (stack.layout.lb / BACKENDS_FILE).read_text(encoding="utf-8")
    # Without an answer, the load balancer is about to start with the present files.
    return bool(_outdated(stack, plan)) or stack.lb.digest() not in ("", text.split()[-1])


def apply(stack: NativeStack, plan: Plan, on_progress: ProgressCallback) -> None:
    """Start, replace and stop instances as apps/services.yml says now.

    New services get requests once they are ready. An instance that has changed is replaced once
    another one serves. A service that has gone gets no more requests before its instances stop.
    Raises `ServiceNotReadyError` with the services that do not become ready; the others serve.

    What runs decides what there is to do, so that the next `up` completes an interrupted one.
    """
    desired, failed = stack.desired(plan.processes), dict[str, str]()
    stale = configs.changed_components(stack.layout)
    # A component that reads its files meanwhile would miss one.
    configs.write_all(stack.layout, plan, stack.settings, desired)
    _signal(stack, stale, on_progress)
    configs.write_digests(stack.layout)
    gone = _load_programs(stack, plan, on_progress)
    outdated = _by_service(_outdated(stack, plan))
    for service, instances in _by_service(desired).items():
        if not stack.supervisor.digests().keys() & {process.name for process in instances}:
            with _failures_in(failed, service):
                stack.run_release(service, on_progress)
                stack.start_instances(instances, on_progress)
    on_progress("reloading the load balancer")
    _reload_lb(stack)
    for service, instances in outdated.items():
        with _failures_in(failed, service):
            stack.run_release(service, on_progress)
            _replace(stack, plan, instances, on_progress)
    stack.supervisor.stop(*gone)
    stack.supervisor.remove(*gone)
    _renew_control(stack, plan)
    try:
        match_counts(stack, plan, on_progress, failed)
    except ServiceNotReadyError as error:
        failed[""] = str(error)
    for process in plan.processes:
        if process.scales and process.service not in failed:
            state: Literal["ready", "maint"] = "ready" if process in desired else "maint"
            stack.lb.set(process.service, process.name, state)
    if failed:
        raise ServiceNotReadyError(" ".join(failed.values()))


def _by_service(processes: Sequence[Process]) -> Mapping[str, Sequence[Process]]:
    """Return the instances of each service among processes."""
    instances: dict[str, list[Process]] = {}
    for process in processes:
        if process.scales:
            instances.setdefault(process.service, []).append(process)
    return instances


def _renew_control(stack: NativeStack, plan: Plan) -> None:
    """Stop the control API if it has read other services; it starts with the present ones."""
    for process in _outdated(stack, plan):
        if process.name == CONTROL:
            stack.supervisor.stop(CONTROL)
            _renew_group(stack, process)


def _outdated(stack: NativeStack, plan: Plan) -> Sequence[Process]:
    """Return what may be replaced, and runs with another configuration: instances, and CONTROL."""
    running = stack.supervisor.digests()
    return [
        process
        for process in stack.desired(plan.processes)
        if (process.scales or process.name == CONTROL)
        and process.name in running
        and running[process.name] != program_digest(process, stack.layout)
    ]


def _load_programs(stack: NativeStack, plan: Plan, on_progress: ProgressCallback) -> Sequence[str]:
    """Let supervisord know the present programs; return those that have gone, and still run.

    One whose port another one has now stops first.
    """
    stack.supervisor.reload()
    programs = stack.supervisor.processes()
    names = {process.name for process in plan.processes}
    gone = [name for name in programs if name not in names]
    added = [process for process in plan.processes if process.name not in programs]
    ports = {str(process.port) for process in added}
    ending = [name for name in gone if variable_of(programs[name]["pid"], "PORT") in ports]
    for name in ending:
        on_progress(f"stopping {name}: another service has its port")
    stack.supervisor.stop(*ending)
    stack.supervisor.remove(*ending)
    stack.supervisor.add(*(process.name for process in added))
    for process in plan.processes:
        may_change = process.scales or process.name == CONTROL
        if may_change and process not in added and not programs[process.name]["pid"]:
            if (
                programs[process.name]["statename"] not in STOPPED_STATES
            ):  # it is about to try again
                stack.supervisor.stop(process.name)
            _renew_group(stack, process)
    return [name for name in gone if name not in ending]


def with_new_code(stack: NativeStack, plan: Plan) -> Sequence[str]:
    """Return the services with code that is newer than one of their instances."""
    states = stack.supervisor.processes()
    oldest: dict[str, float] = {}
    for process in plan.processes:
        if process.scales and states[process.name]["pid"]:
            started = states[process.name]["start"]
            oldest[process.service] = min(started, oldest.get(process.service, started))
    return [
        name for name, start in oldest.items() if service_code.last_change(SERVICES[name]) > start
    ]


def reload_configs(stack: NativeStack, on_progress: ProgressCallback) -> None:
    """Let components read their files if these have changed, such as the rules.

    Raises `ConfigError`, and changes nothing, if one of them is broken.
    """
    components = configs.changed_components(stack.layout)
    if not components:
        return
    stack.check(on_progress)
    configs.install_changes(stack.layout, components, stack.settings.speed)
    _signal(stack, components, on_progress)
    configs.write_digests(stack.layout)


def _signal(stack: NativeStack, components: Sequence[str], on_progress: ProgressCallback) -> None:
    processes = stack.supervisor.processes()
    for component in components:
        on_progress(f"reloading {component}")
        if pid := processes[f"{component}-1"]["pid"]:
            tagged_processes.signal_instance(pid, signal.SIGHUP)


def match_counts(
    stack: NativeStack,
    plan: Plan,
    on_progress: ProgressCallback,
    without: Collection[str] = (),
) -> None:
    """Start what should run and does not, and stop the instances beyond the replica count.

    Services in `without` are left out. Raises `ServiceNotReadyError`.
    """
    desired = [item for item in stack.desired(plan.processes) if item.service not in without]
    states = stack.supervisor.processes()
    running = [process for process in plan.processes if states[process.name]["pid"]]
    surplus = [item for item in running if item.scales and item not in desired]
    stack.drain([item for item in surplus if item.service not in without])
    configs.write_targets(stack.layout, "services", stack.desired(plan.processes))
    stack.start_desired(desired, on_progress)


@contextmanager
def _failures_in(failed: dict[str, str], service: str) -> Iterator[None]:
    try:
        yield
    except NotReadyError as error:
        failed[service] = str(error)


def _replace(
    stack: NativeStack,
    plan: Plan,
    outdated: Sequence[Process],
    on_progress: ProgressCallback,
) -> None:
    """Replace instances of a service one by one, while another one serves."""
    service = plan.of(outdated[0].service)
    desired, running = stack.desired(service), stack.supervisor.digests()
    serving = [process for process in desired if process.name in running]
    standby = [process for process in service if process not in desired]
    spare = standby[:1] if len(serving) == 1 else []
    stack.start_instances(spare, on_progress)
    for process in spare:
        stack.lb.set(process.service, process.name, "ready")
    for process in outdated:
        stack.drain([process])
        _renew_group(stack, process)
        stack.start_instances([process], on_progress)
        stack.lb.set(process.service, process.name, "ready")
        stack.wait_for_lb([process])
    stack.drain(spare)


def _reload_lb(stack: NativeStack) -> None:
    """Let the load balancer read its files: a new worker takes over, and the old one finishes."""
    stack.lb.save_state()
    before = stack.lb.worker()
    if not before:  # it is about to start, and reads them then
        return
    stack.supervisor.send(LB, signal.SIGUSR2)
    wait_until(lambda: stack.lb.worker() not in (before, 0), "the load balancer to read its files")


def _renew_group(stack: NativeStack, process: Process) -> None:
    """Let supervisord start a process with its new configuration from now on."""
    stack.supervisor.remove(process.name)
    stack.supervisor.add(process.name)


def _without_services(settings: str) -> Mapping[str, object]:
    """Return the settings of a stack without the files of other repositories' services."""
    document: dict[str, object] = json.loads(settings)
    return {name: value for name, value in document.items() if name != "services_files"}


def _programs(config: str) -> Mapping[str, str]:
    """Return the sections of supervisord's configuration by program; the head is that of ""."""
    head, *parts = re.split(r"^\[program:", config, flags=re.MULTILINE)
    return {"": head, **{part.partition("]")[0]: part for part in parts}}


def _port(section: str) -> str:
    match = re.search(r'\bPORT="(\d+)"', section)
    return match[1] if match else ""
