"""Faults of instances: those they are told to have, and what is done to them from outside."""

from __future__ import annotations

from collections.abc import Sequence

import requests

from ..errors import FaultError
from ..steps import TIMEOUT, Step, addresses
from .base import Fault


class OfService(Fault):
    """A fault that the instances of a service have when they are told to."""

    @property
    def undo(self) -> Sequence[Step]:
        """Return the step that switches it off."""
        return [("faults_off", self.spec.target, self.spec.kind)]

    def inject(self) -> None:
        """Switch it on in every running instance of the target."""
        found = addresses(self.scene.runtime, self.spec.target)
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
                json={**body, "duration": self.scene.lasts},
                headers={"Authorization": f"Bearer {self.scene.runtime.token()}"},
                timeout=TIMEOUT,
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
    def undo(self) -> Sequence[Step]:
        """Return the step that starts it again."""
        return [("start", self.spec.target)]

    def inject(self) -> None:
        """Stop it."""
        self.scene.runtime.stop(self.spec.target)


class Kill(Stop):
    """Kill the target again and again; what supervises it starts it each time."""

    def inject(self) -> None:
        """Begin to kill."""
        self.again(self.number("every", 30.0), lambda: self.scene.runtime.kill(self.spec.target))


class Pause(Fault):
    """Freeze the target."""

    @property
    def undo(self) -> Sequence[Step]:
        """Return the step that lets it go on."""
        return [("resume", self.spec.target)]

    def inject(self) -> None:
        """Freeze it."""
        self.scene.runtime.pause(self.spec.target)


class Unlist(Fault):
    """Take the target out of what Prometheus scrapes."""

    @property
    def undo(self) -> Sequence[Step]:
        """Return the step that puts it back."""
        return [("relist",)]

    def inject(self) -> None:
        """Take it out."""
        self.scene.runtime.unlist(self.spec.target)
