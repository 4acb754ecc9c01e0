"""How many instances of each service are to serve, as the stack itself has it on its volume.

Whoever scales writes it there, from the host or from inside, so that all know the same.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...errors import AlertdrillError
from ...settings import MAX_REPLICAS, SERVICES, StackSettings
from . import init_config
from .engine import Container, Engine
from .errors import UnknownTargetError

# Has the volume, on every host.
VOLUME_SERVICE = "prometheus"


class VolumeReplicas:
    """The scale as a container reads it, on the volume."""

    def __init__(self, etc: Path) -> None:
        self._file = etc / init_config.REPLICAS_FILE

    def get(self, service: str) -> int:
        """Return how many instances of the service are meant to serve."""
        return int(json.loads(self._file.read_text())[service])


class EngineReplicas:
    """The scale as the host reads it, by way of the engine; the floor where nothing runs."""

    def __init__(self, engine: Engine, settings: StackSettings) -> None:
        self._engine = engine
        self._floors = {service: settings.floor(service) for service in SERVICES}

    def get(self, service: str) -> int:
        """Return how many instances of the service are meant to serve."""
        return self.all()[service]

    def all(self) -> dict[str, int]:
        """Return it of every service."""
        found = self._engine.containers()
        holder = next((one.name for one in found if one.service == VOLUME_SERVICE), None)
        if holder is None or not any(one.pid for one in found):
            return self._floors
        text = self._engine.read(holder, str(init_config.ETC / init_config.REPLICAS_FILE))
        return {**self._floors, **_read(text)}


def _read(text: str | None) -> Mapping[str, int]:
    try:
        found: dict[str, int] = json.loads(text or "{}")
    except ValueError:  # cut off: the floor it is
        return {}
    return found


def check_replicas(service: str, count: int) -> None:
    """Raise a `AlertdrillError` for what does not scale, or not that far."""
    if service not in SERVICES:
        raise UnknownTargetError(f"{service!r} does not scale: {', '.join(SERVICES)} do.")
    if not 1 <= count <= MAX_REPLICAS:
        raise AlertdrillError(f"{service} scales from 1 to {MAX_REPLICAS}, not to {count}.")


def require_containers(own: Sequence[Container], service: str, count: int) -> Sequence[Container]:
    """Return the containers of a service; raise a `AlertdrillError` unless `count` exist."""
    numbers = {one.number for one in own if one.service == service}
    if not set(range(1, count + 1)) <= numbers:
        raise AlertdrillError(
            f"{service} has {len(numbers)} containers, and {count} are wanted: `make up` makes"
            " those that stand by, which nobody inside may."
        )
    return own


@contextmanager
def scale_lock(etc: Path) -> Iterator[None]:
    """Be the only one inside that scales; raise a `AlertdrillError` if there is another."""
    # For reading: the control API and drills are different users, and either may have made it.
    path = etc / f"{init_config.REPLICAS_FILE}.lock"
    try:
        lock = os.open(path, os.O_CREAT | os.O_RDONLY, 0o644)
    except OSError as error:
        raise AlertdrillError(f"{path} can't be opened ({error.strerror}): start anew.") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlertdrillError("Another is scaling this stack: wait for it to end.") from None
        yield
    finally:
        os.close(lock)
