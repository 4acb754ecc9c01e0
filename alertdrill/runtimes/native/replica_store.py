"""What was asked of the stack beyond its settings: how many instances of each service serve."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ...settings import SERVICES, StackSettings
from .plan import Plan
from .process import Process


class ReplicaStore:
    """The scale of each service, in a file; the settings' floor where nothing else was asked."""

    def __init__(self, file: Path, settings: StackSettings) -> None:
        self._file = file
        self._settings = settings

    def reset(self) -> None:
        """Go back to the floor; a stack that starts anew starts there."""
        self._file.unlink(missing_ok=True)

    def get(self, service: str) -> int:
        """Return how many instances of the service are meant to serve."""
        return int(self._read().get(service, self._settings.floor(service)))

    def set(self, service: str, count: int) -> None:
        """Remember a new scale."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({**self._read(), service: count}))
        fresh.replace(self._file)

    def desired(self, plan: Plan) -> list[Process]:
        """Return the processes that are meant to run; the others stand by."""
        scales = {service: self.get(service) for service in SERVICES}
        return [
            process
            for process in plan.processes
            if not process.scales or process.number <= scales[process.service]
        ]

    def _read(self) -> Mapping[str, int]:
        try:
            found: dict[str, int] = json.loads(self._file.read_text())
        except (OSError, ValueError):  # not asked yet, or cut off by a crash: the floor it is
            return {}
        return found
