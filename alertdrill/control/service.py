"""The control API's operations: list, restart and scale the instances of a runtime."""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, Field, ValidationError

from alertdrill_telemetry.problems import Problem

from ..config.services import SERVICES
from ..config.settings import StackSettings
from ..errors import AlertdrillError
from ..file_lock import file_lock
from ..runtimes.base import ControlTarget, Instance
from ..runtimes.errors import StackUnavailableError
from .idempotency import MAX_WAIT_S, Outcome, OutcomeStore
from .settings import ControlSettings

# Longer than the grace period of any service (25 s).
MAX_GRACE_S = 60
# Programs generate the keys; a UUID has 36 characters.
MAX_KEY_LENGTH = 200
FAILED = "The control API failed: see its log for the reason."
log = logging.getLogger("alertdrill.control")
# The log level of an outcome by its status; any other status is our own error.
LOG_LEVELS = {200: logging.INFO, 403: logging.WARNING, 404: logging.WARNING, 409: logging.WARNING}
SCALING = "Another service is still being scaled: wait for it."


class RestartBody(BaseModel, strict=True, extra="forbid", allow_inf_nan=False):
    """The body of a restart; without a grace period the instance's own applies."""

    grace_period: float | None = Field(default=None, ge=0, le=MAX_GRACE_S)


class ScaleBody(BaseModel, strict=True, extra="forbid"):
    """The body of a scaling; the runtime checks the range."""

    instances: int


B = TypeVar("B", bound=BaseModel)


class ControlService:
    """The operations on one runtime; each key runs one of them, once.

    All replicas of the control API share the folder `settings.state`.
    """

    def __init__(self, settings: ControlSettings, runtime: ControlTarget) -> None:
        self._settings = settings
        self._runtime = runtime
        self._outcomes = OutcomeStore(settings.state / "outcomes")

    def blueprint(self) -> Blueprint:
        """Return the routes, which require the token."""
        routes = Blueprint("control", __name__)
        routes.before_request(self._check_token)
        routes.get("/instances")(self.instances)
        routes.post("/instances/<name>/restart")(self.restart)
        routes.put("/services/<name>/scale")(self.scale)
        return routes

    def instances(self) -> Response:
        """Return the services' instances."""
        return jsonify(serialize_stack(self._status(), self._settings.stack))

    def restart(self, name: str) -> Response:
        """Restart an instance; answer when it is ready."""
        demand = f'send 0 to {MAX_GRACE_S} seconds, as in {{"grace_period": 0}}.'
        grace = _body(RestartBody, demand).grace_period

        def operation() -> str:
            instance = next((row for row in self._status() if row.name == name), None)
            if instance is None:
                raise Problem(404, f"no instance named {name!r}: see GET /instances.")
            _require_heal_label(name, instance.service, instance.healing_enabled)
            self._runtime.restart(name, grace)
            return f"{name} is ready again."

        with_grace = "" if grace is None else f" with a grace of {grace:g} s"
        return self._run_once(f"restart {name}{with_grace}", operation)

    def scale(self, name: str) -> Response:
        """Scale a service; answer when its instances are ready."""
        count = _body(ScaleBody, 'send an integer, as in {"instances": 3}.').instances

        def operation() -> str:
            if name not in SERVICES:
                raise Problem(
                    404, f"no service named {name!r}: the services are {', '.join(SERVICES)}."
                )
            _require_heal_label(name, name, healing_enabled(name, self._status()))
            # A runtime refuses concurrent scaling, and two services may need it at the same time.
            with file_lock(self._settings.state / "scaling.lock", SCALING, MAX_WAIT_S):
                self._runtime.scale(name, count, lambda _: None)
            return f"{name} has {count} instances."

        return self._run_once(f"scale {name} to {count}", operation)

    def _check_token(self) -> None:
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        # In constant time, so that timing reveals nothing about the token.
        matches = secrets.compare_digest(sent.strip().encode(), self._settings.token.encode())
        if scheme.lower() != "bearer" or not matches:
            raise Problem(
                401,
                "The token is missing or wrong: send it as a bearer token.",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _status(self) -> Sequence[Instance]:
        instances = self._runtime.status()
        if not instances:
            raise StackUnavailableError("The stack is down: start it with `make up`.")
        return instances

    def _run_once(self, description: str, operation: Callable[[], str]) -> Response:
        """Answer with the outcome of an operation, or with that of its key's first request."""
        key = request.headers.get("Idempotency-Key", "").strip()
        if not key or len(key) > MAX_KEY_LENGTH or not key.isprintable():
            raise Problem(
                400, f"Idempotency-Key must have 1 to {MAX_KEY_LENGTH} characters: send the header."
            )
        outcome = self._outcomes.do(key, description, lambda: _perform(description, operation))
        if outcome.status != 200:
            raise Problem(outcome.status, outcome.detail)
        return jsonify({"status": outcome.status, "detail": outcome.detail})


def status_of(error: AlertdrillError) -> int:
    """Return the status of an error: 503 if the stack is unavailable, 409 for a refusal."""
    return 503 if isinstance(error, StackUnavailableError) else 409


def _body(model: type[B], demand: str) -> B:
    """Return the body of the request; raise a `Problem` with the demand for another one."""
    try:
        return model.model_validate_json(request.get_data() or b"{}")
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise Problem(400, f"The body is refused ({reason}): {demand}") from None


def _require_heal_label(target: str, service: str, has_label: bool) -> None:
    if has_label:
        return
    if service not in SERVICES:
        raise Problem(
            403, f"{target} is not one of the services, so it can't be healed: restart it yourself."
        )
    raise Problem(
        403,
        f"{target} has no heal label: restart it yourself, or remove `heal: false` of {service} in"
        " apps/services.yml.",
    )


def _perform(description: str, operation: Callable[[], str]) -> Outcome:
    """Run an operation and log its outcome in one line."""
    started = time.monotonic()
    try:
        outcome = Outcome(200, operation())
    except Problem as problem:
        outcome = Outcome(problem.status, problem.detail)
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
            name: {
                "min_replicas": settings.min_replicas()[name],
                "max_replicas": service.replicas.max,
                "scale": active[name],
                "healing_enabled": healing_enabled(name, replicas),
            }
            for name, service in SERVICES.items()
        },
    }


def healing_enabled(service: str, instances: Sequence[Instance]) -> bool:
    """Return whether every instance of a service has the heal label."""
    replicas = [instance for instance in instances if instance.service == service]
    return bool(replicas) and all(instance.healing_enabled for instance in replicas)
