"""What undoes a fault, as data: it can be written down first and done by whoever is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import requests

from ..errors import AlertdrillError
from ..runtimes import Runtime
from .orders import order

# The name of what is done, then its arguments. Each step may be done twice.
Step = tuple[str, ...]
TIMEOUT = 3.0


def perform(runtime: Runtime, steps: Sequence[Step]) -> list[str]:
    """Undo, the last first; go on after a failure and return what went wrong, in sentences."""
    failures = []
    for name, *arguments in reversed(steps):
        try:
            ACTIONS.get(name, _unknown)(runtime, *arguments)
        except (AlertdrillError, OSError) as error:
            failures.append(f"{name} {' '.join(arguments)}: {error}")
    return failures


def _faults_off(runtime: Runtime, target: str, kind: str) -> None:
    refused = []
    for address in addresses(runtime, target):
        url = f"http://{address}/faults/{kind}"
        try:
            answer = requests.delete(
                url, headers={"Authorization": f"Bearer {runtime.token()}"}, timeout=TIMEOUT
            )
        except requests.RequestException:
            continue  # it is gone, and its faults with it
        if not answer.ok:
            refused.append(f"{url} answers {answer.status_code}.")
    if refused:
        raise AlertdrillError(" ".join(refused))


def addresses(runtime: Runtime, target: str) -> list[str]:
    """Return where the running instances of a target listen."""
    found = [
        instance
        for instance in runtime.status()
        if target in (instance.name, instance.service) and instance.pid is not None
    ]
    return [instance.address for instance in found]


def _heal(runtime: Runtime) -> None:
    order(runtime, "/resume")


def _scale(runtime: Runtime, service: str, count: str) -> None:
    found = runtime.instances(service)
    if sum(one.state != "standby" for one in found) != int(count):  # who heals may have done it
        runtime.scale(service, int(count), lambda _: None)


def _unknown(*_: object) -> None:
    raise AlertdrillError("this version knows no such step.")


def _remove(_: Runtime, path: str) -> None:
    Path(path).unlink(missing_ok=True)


ACTIONS: Mapping[str, Callable[..., object]] = {
    "start": lambda runtime, target: runtime.start(target),
    "resume": lambda runtime, target: runtime.resume(target),
    "configure": lambda runtime, part, name: runtime.configure(part, name, None),
    "relist": lambda runtime: runtime.relist(),
    "faults_off": _faults_off,
    "heal": _heal,
    "scale": _scale,
    "remove": _remove,
}
