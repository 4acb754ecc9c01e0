"""The control API's operations: list, restart and scale the instances of a runtime."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from ..config.services import MAX_REPLICAS, SERVICES
from ..config.settings import StackSettings
from ..errors import AlertdrillError
from ..file_lock import file_lock
from ..runtimes.base import ControlTarget, Instance
from ..runtimes.errors import StackUnavailableError
from .idempotency import MAX_WAIT_S, Outcome, OutcomeStore
from .problems import FAILED, Problem, status_of

log = logging.getLogger("alertdrill.control")
# The log level of an outcome by its status; any other status is our own error.
LOG_LEVELS = {200: logging.INFO, 403: logging.WARNING, 404: logging.WARNING, 409: logging.WARNING}
SCALING = "Another service is still being scaled: wait for it."


class ControlService:
    """Runs operations on one runtime; runs and logs each of them once.

    All replicas of the control API share the folder `state`.
    """

    def __init__(self, runtime: ControlTarget, settings: StackSettings, state: Path) -> None:
        self._runtime = runtime
        self._settings = settings
        self._outcomes = OutcomeStore(state / "outcomes")
        self._scaling = state / "scaling.lock"

    def instances(self) -> dict[str, object]:
        """Return the services' instances; raise an `AlertdrillError` if that is impossible."""
        return serialize_stack(self._status(), self._settings)

    def restart(self, key: str, name: str, grace: float | None) -> Outcome:
        """Restart an instance; return when it is ready."""

        def operation() -> str:
            instance = next((row for row in self._status() if row.name == name), None)
            if instance is None:
                raise Problem(404, f"no instance named {name!r}: see GET /instances.")
            _require_heal_label(name, instance.service, instance.healing_enabled)
            self._runtime.restart(name, grace)
            return f"{name} is ready again."

        description = f"restart {name}" + ("" if grace is None else f" with a grace of {grace:g} s")
        return self._outcomes.do(key, description, lambda: _perform(description, operation))

    def scale(self, key: str, service: str, count: int) -> Outcome:
        """Scale a service to `count` instances; return when they are ready."""

        def operation() -> str:
            if service not in SERVICES:
                raise Problem(
                    404, f"no service named {service!r}: the services are {', '.join(SERVICES)}."
                )
            _require_heal_label(service, service, healing_enabled(service, self._status()))
            # A runtime refuses concurrent scaling, and two services may need it at the same time.
            with file_lock(self._scaling, SCALING, MAX_WAIT_S):
                self._runtime.scale(service, count, lambda _: None)
            return f"{service} has {count} instances."

        description = f"scale {service} to {count}"
        return self._outcomes.do(key, description, lambda: _perform(description, operation))

    def _status(self) -> Sequence[Instance]:
        instances = self._runtime.status()
        if not instances:
            raise StackUnavailableError("The stack is down: start it with `make up`.")
        return instances


def _require_heal_label(target: str, service: str, has_label: bool) -> None:
    if has_label:
        return
    if service not in SERVICES:
        raise Problem(
            403, f"{target} is not one of the services, so it can't be healed: restart it yourself."
        )
    variable = f"HEAL_{SERVICES[service].variable}"
    raise Problem(403, f"{target} has no heal label: restart it yourself, or set {variable}=1.")


def _perform(description: str, operation: Callable[[], str]) -> Outcome:
    """Run an operation and log its outcome in one line."""
    started = time.monotonic()
    try:
        outcome = Outcome(200, operation())
    except AlertdrillError as error:
        outcome = Outcome(status_of(error), str(error))
    except Exception:
        log.exception("%s: failed after %.1f s", description, time.monotonic() - started)
        return Outcome(500, FAILED)
    seconds = time.monotonic() - started
    level = LOG_LEVELS.get(outcome.status, logging.ERROR)
    log.log(level, "%s: %d after %.1f s: %s", description, outcome.status, seconds, outcome.detail)
    return outcome


def serialize_stack(instances: Sequence[Instance], settings: StackSettings) -> dict[str, object]:
    """Return the response of `GET /instances`; it leaves out the components of the stack."""
    replicas = [instance for instance in instances if instance.service in SERVICES]
    # Standby instances do not count; an unhealthy one does.
    active = Counter(instance.service for instance in replicas if instance.state != "standby")
    return {
        "instances": [
            {
                "name": instance.name,
                "service": instance.service,
                "state": instance.state,
                "healing_enabled": instance.healing_enabled,
            }
            for instance in replicas
        ],
        "services": {
            service: {
                "min_replicas": settings.min_replicas(service),
                "max_replicas": MAX_REPLICAS,
                "scale": active[service],
                "healing_enabled": healing_enabled(service, replicas),
            }
            for service in SERVICES
        },
    }


def healing_enabled(service: str, instances: Sequence[Instance]) -> bool:
    """Return whether every instance of a service has the heal label."""
    replicas = [instance for instance in instances if instance.service == service]
    return bool(replicas) and all(instance.healing_enabled for instance in replicas)
