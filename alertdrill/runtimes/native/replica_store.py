"""Store the replica count of each service, where it differs from the settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ...config.services import SERVICES
from ...config.settings import StackSettings
from .process_spec import Process
from .stack_plan import Plan


class ReplicaStore:
    """The replica counts in a file; the settings' counts if the file has none."""

    def __init__(self, file: Path, settings: StackSettings) -> None:
        self._file = file
        self._settings = settings

    def reset(self) -> None:
        """Return to the settings' counts, as a new stack does."""
        self._file.unlink(missing_ok=True)

    def get(self, service: str) -> int:
        """Return the replica count of a service."""
        return int(self._read().get(service, self._settings.min_replicas(service)))

    def set(self, service: str, count: int) -> None:
        """Store a new replica count."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps({**self._read(), service: count}))
        temporary.replace(self._file)

    def desired(self, plan: Plan) -> list[Process]:
        """Return the processes that should run; the others are on standby."""
        scales = {service: self.get(service) for service in SERVICES}
        return [
            process
            for process in plan.processes
            if not process.scales or process.number <= scales[process.service]
        ]

    def _read(self) -> Mapping[str, int]:
        try:
            counts: dict[str, int] = json.loads(self._file.read_text())
        except (OSError, ValueError):  # not scaled yet, or cut off by a crash: use the settings
            return {}
        return counts
