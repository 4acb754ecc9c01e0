"""Faults of instances: those they are told to have, and what is done to them from outside."""

from __future__ import annotations

from collections.abc import Sequence

import requests

from ..drill import FaultSpec
from ..errors import FaultError
from ..undo import TIMEOUT_S, UndoStep, instance_addresses
from .base import Fault, FaultContext


class OfService(Fault):
    """A fault that the instances of a service have when they are told to."""

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that switches it off."""
        return [("clear_fault", self.spec.target, self.spec.kind)]

    def inject(self) -> None:
        """Switch it on in every running instance of the target."""
        found = instance_addresses(self.context.runtime, self.spec.target)
        if not found:
            raise FaultError(f"No instance of {self.spec.target} runs.")
        for address in found:
            self._switch_on(address)

    def _switch_on(self, address: str) -> None:
        body = {name: self.number(name, 0.0) for name in self.spec.parameters}
        url = f"http://{address}/faults/{self.spec.kind}"
        try:
            answer = requests.put(
                url,
                json={**body, "duration": self.context.max_duration},
                headers={"Authorization": f"Bearer {self.context.runtime.token()}"},
                timeout=TIMEOUT_S,
            )
        except requests.RequestException as error:
            raise FaultError(f"{url} does not answer.") from error
        if answer.status_code == 404:
            raise FaultError(f"{url} is not there: drills need FAULTS_ENABLED=1.")
        if not answer.ok:
            raise FaultError(f"{url} answers {answer.status_code}: {answer.text.strip()[:200]}")


class Stop(Fault):
    """Stop the target gracefully."""

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that starts it again."""
        return [("start", self.spec.target)]

    def inject(self) -> None:
        """Stop it."""
        self.context.runtime.stop(self.spec.target)


class Kill(Stop):
    """Kill the target again and again; what supervises it starts it each time."""

    def inject(self) -> None:
        """Begin to kill."""
        self.again(self.number("every", 30.0), lambda: self.context.runtime.kill(self.spec.target))


class CrashLoop(Stop):
    """Stop the target again whenever it serves; a human who has mended it lets healing go on."""

    # A program that starts serves after some seconds; it is not to serve for long.
    LOOK = 0.5

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the steps that start it again, and close the responder's circuit."""
        return [("resume_healing",), *super().undo]

    def inject(self) -> None:
        """Begin to stop it."""
        self.again(self.LOOK, self._stop)

    def _stop(self) -> None:
        for one in self.context.runtime.status():
            if one.state == "ready" and self.spec.target in (one.name, one.service):
                self.context.runtime.stop(one.name)


class Scale(Fault):
    """Have more instances of the target serve than its load needs."""

    def __init__(self, spec: FaultSpec, context: FaultContext) -> None:
        super().__init__(spec, context)
        found = context.runtime.instances(spec.target)
        self._serving = sum(one.state != "standby" for one in found)

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that goes back to as many as there were."""
        return [("scale", self.spec.target, str(self._serving))]

    def inject(self) -> None:
        """Start them."""
        wanted = int(self.number("instances", self._serving + 1))
        self.context.runtime.scale(self.spec.target, wanted, lambda _: None)


class Pause(Fault):
    """Freeze the target."""

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that lets it go on."""
        return [("resume", self.spec.target)]

    def inject(self) -> None:
        """Freeze it."""
        self.context.runtime.pause(self.spec.target)


class Unlist(Fault):
    """Take the target out of what Prometheus scrapes."""

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that puts it back."""
        return [("restore_targets",)]

    def inject(self) -> None:
        """Take it out."""
        self.context.runtime.drop_targets(self.spec.target)
