"""Undo steps as data: a run records them before a fault, and any process can perform them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import requests

from ..errors import AlertdrillError
from ..runtimes import Runtime
from . import responder

# The name of an action, then its arguments. Each step may be performed twice.
UndoStep = tuple[str, ...]
TIMEOUT_S = 3.0


def perform(runtime: Runtime, steps: Sequence[UndoStep]) -> list[str]:
    """Perform the steps, the last one first, and return a sentence for each failure."""
    failures = []
    for name, *arguments in reversed(steps):
        try:
            ACTIONS.get(name, _unknown)(runtime, *arguments)
        except (AlertdrillError, OSError) as error:
            failures.append(f"{name} {' '.join(arguments)}: {error}")
    return failures


def _clear_fault(runtime: Runtime, target: str, kind: str) -> None:
    refusals = []
    for address in instance_addresses(runtime, target):
        url = f"http://{address}/faults/{kind}"
        try:
            response = requests.delete(
                url,
                headers={"Authorization": f"Bearer {runtime.faults_token()}"},
                timeout=TIMEOUT_S,
            )
        except requests.RequestException:
            continue  # the process is gone, and its faults with it
        if not response.ok:
            refusals.append(f"{url} answers {response.status_code}.")
    if refusals:
        raise AlertdrillError(" ".join(refusals))


def instance_addresses(runtime: Runtime, target: str) -> list[str]:
    """Return the addresses of the running instances of a target (service or instance)."""
    return [
        instance.address
        for instance in runtime.status()
        if target in (instance.name, instance.service) and instance.pid is not None
    ]


def _resume_healing(runtime: Runtime) -> None:
    responder.post(runtime, "/resume")


def _scale(runtime: Runtime, service: str, count: str) -> None:
    serving = sum(instance.state != "standby" for instance in runtime.instances(service))
    if serving != int(count):  # the responder may have scaled it back already
        runtime.scale(service, int(count), lambda _: None)


def _unknown(*_: object) -> None:
    raise AlertdrillError("this version has no such undo step.")


def _remove_file(_: Runtime, path: str) -> None:
    Path(path).unlink(missing_ok=True)


ACTIONS: Mapping[str, Callable[..., object]] = {
    "start": lambda runtime, target: runtime.start(target),
    "resume": lambda runtime, target: runtime.resume(target),
    "restore_config": lambda runtime, component, name: runtime.configure(component, name, None),
    "restore_targets": lambda runtime: runtime.restore_targets(),
    "clear_fault": _clear_fault,
    "resume_healing": _resume_healing,
    "scale": _scale,
    "remove_file": _remove_file,
}
