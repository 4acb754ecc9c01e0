"""Faults of instances: those that a service injects into itself, and those from outside."""

from __future__ import annotations

from collections.abc import Sequence

import requests

from ...clients.http import UnreachableError, request
from ..context import DrillContext
from ..errors import FaultError
from ..model import FaultSpec
from ..undo import TIMEOUT_S, UndoStep, instance_addresses
from .base import Fault, FaultKind


class ServiceFault(Fault):
    """A fault that the instances of a service inject into themselves."""

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that switches the fault off."""
        return [("clear_fault", self.spec.target, self.spec.kind)]

    def inject(self) -> None:
        """Switch the fault on in every running instance of the target."""
        running = instance_addresses(self.context.runtime, self.spec.target)
        if not running:
            raise FaultError(
                f"No instance of {self.spec.target} runs: start it with `alertdrill up`."
            )
        for address in running:
            self._switch_on(address)

    def _switch_on(self, address: str) -> None:
        body = {name: self.number(name, 0.0) for name in self.spec.parameters}
        url = f"http://{address}/faults/{self.spec.kind}"
        try:
            request(
                "PUT",
                url,
                timeout=TIMEOUT_S,
                token=self.context.runtime.faults_token(),
                json={**body, "duration": self.max_duration},
            )
        except UnreachableError as error:
            if error.status == requests.codes.not_found:
                raise FaultError(f"{url} does not exist: set FAULTS_ENABLED=1.") from error
            raise FaultError(str(error)) from error


class StopTarget(Fault):
    """Stops the target gracefully."""

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that starts the target."""
        return [("start", self.spec.target)]

    def inject(self) -> None:
        """Stop the target."""
        self.context.runtime.stop(self.spec.target)


class KillTarget(StopTarget):
    """Kills the target repeatedly; its supervisor restarts it each time."""

    def inject(self) -> None:
        """Start to kill the target."""
        self.repeat(self.number("every", 30.0), lambda: self.context.runtime.kill(self.spec.target))


class CrashLoop(StopTarget):
    """Stops the target whenever it becomes ready."""

    # An instance takes seconds to start and must not stay ready for long.
    POLL_INTERVAL_S = 0.5

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the steps that start the target and close the responder's circuit."""
        return [("resume_healing",), *super().undo]

    def inject(self) -> None:
        """Start to stop the target."""
        self.repeat(self.POLL_INTERVAL_S, self._stop)

    def _stop(self) -> None:
        for instance in self.context.runtime.status():
            if instance.state == "ready" and self.spec.target in (
                instance.name,
                instance.service,
            ):
                # A crash does not drain.
                self.context.runtime.stop(instance.name, grace=0)


class ScaleTarget(Fault):
    """Scales the target to more instances than its load needs."""

    def __init__(
        self, spec: FaultSpec, kind: FaultKind, context: DrillContext, max_duration: float
    ) -> None:
        super().__init__(spec, kind, context, max_duration)
        instances = context.runtime.instances(spec.target)
        self._replicas = sum(instance.state != "standby" for instance in instances)

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that scales the target back."""
        return [("scale", self.spec.target, str(self._replicas))]

    def inject(self) -> None:
        """Start the instances."""
        count = int(self.number("instances", self._replicas + 1))
        self.context.runtime.scale(self.spec.target, count, lambda _: None)


class PauseTarget(Fault):
    """Freezes the target."""

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that resumes the target."""
        return [("resume", self.spec.target)]

    def inject(self) -> None:
        """Freeze the target."""
        self.context.runtime.pause(self.spec.target)


class DropTargets(Fault):
    """Removes the target from Prometheus's target list."""

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that restores the target list."""
        return [("restore_targets",)]

    def inject(self) -> None:
        """Remove the target."""
        self.context.runtime.drop_targets(self.spec.target)
