"""Apply a change of apps/services.yml to a running stack without losing a request."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ..base import ProgressCallback, wait_until
from ..config_files import write_atomically
from ..errors import NotReadyError, ServiceNotReadyError
from . import configs, tagged_processes
from .plan import Plan, Process
from .stack import NativeStack

# They read the services at their start, or at another signal than SIGHUP.
CONTROL, LB = "control-1", "lb-1"


def is_possible(stack: NativeStack, files: Mapping[Path, str], plan: Plan) -> bool:
    """Return whether only processes of services, and the load balancer's files, have changed.

    `files` are those that the stack should have. A service whose port changes needs a restart of
    the stack: its old and its new instances would have the same names.
    """
    config, settings = stack.layout.supervisor_config, stack.layout.stack
    if not config.exists() or not settings.exists():
        return False
    if _without_services(settings.read_text()) != _without_services(files[settings]):
        return False
    old, new = _programs(config.read_text()), _programs(files[config])
    components = {process.name for process in plan.processes if not process.scales}
    if any(old.get(name) != new.get(name) for name in ("", *components)):
        return False
    return all(_port(old[name]) == _port(new[name]) for name in old.keys() & new.keys())


def apply(stack: NativeStack, plan: Plan, on_progress: ProgressCallback) -> None:
    """Start, replace and stop instances as apps/services.yml says now.

    New services get requests once they are ready. An instance that has changed is replaced once
    another one serves. A service that has gone gets no more requests before its instances stop.
    Raises `ServiceNotReadyError` with the services that do not become ready; the others serve.
    """
    config = stack.layout.supervisor_config
    before = config.read_text()
    try:
        failed = _apply(stack, plan, _programs(before), on_progress)
    except BaseException:
        write_atomically(config, before)  # the next `up` sees the change again
        raise
    if failed:
        raise ServiceNotReadyError(" ".join(failed.values()))


def _apply(
    stack: NativeStack, plan: Plan, old: Mapping[str, str], on_progress: ProgressCallback
) -> Mapping[str, str]:
    """Apply the change; return the reason of each service that is not ready."""
    desired, failed = stack.desired(plan.processes), dict[str, str]()
    stale = configs.changed_components(stack.layout)
    # A component that reads its files meanwhile would miss one.
    configs.write_all(stack.layout, plan, stack.settings, desired)
    _signal(stack, stale, on_progress)
    new = _programs(stack.layout.supervisor_config.read_text())
    changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
    stack.supervisor.reload()
    stack.supervisor.add(*(new.keys() - old.keys()))
    for service in dict.fromkeys(process.service for process in desired if process.scales):
        added = [item for item in desired if item.service == service and item.name not in old]
        with _failures_in(failed, service):
            if added:
                stack.run_release(service, on_progress)
            stack.start_instances(added, on_progress)
    on_progress("reloading the load balancer")
    _reload_lb(stack)
    for service in sorted({name.rpartition("-")[0] for name in changed}):
        instances = [item for item in plan.of(service) if item.name in changed]
        with _failures_in(failed, service):
            stack.run_release(service, on_progress)
            _replace(stack, instances, desired, on_progress)
    stack.supervisor.stop(*(old.keys() - new.keys()))
    stack.supervisor.remove(*(old.keys() - new.keys()))
    stack.supervisor.stop(CONTROL)
    try:
        match_counts(stack, plan, on_progress, failed)
    except ServiceNotReadyError as error:
        failed[""] = str(error)
    for process in plan.processes:
        if process.scales and process.name not in old and process.service not in failed:
            state: Literal["ready", "maint"] = "ready" if process in desired else "maint"
            stack.lb.set(process.service, process.name, state)
    return failed


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
    instances: Sequence[Process],
    desired: Sequence[Process],
    on_progress: ProgressCallback,
) -> None:
    """Replace the instances of a service one by one; those on standby come first."""
    serving = [process for process in instances if process in desired]
    standby = [process for process in instances if process not in desired]
    for process in standby:
        _renew_group(stack, process)
    # Another one serves while the only one is replaced.
    spare = standby[:1] if len(serving) == 1 else []
    stack.start_instances(spare, on_progress)
    for process in spare:
        stack.lb.set(process.service, process.name, "ready")
    for process in serving:
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
