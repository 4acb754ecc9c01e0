"""The replica count of each service, stored on a volume of the stack.

Every command that scales writes it there, from the host or from inside, so that all agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ...config.services import SERVICES
from ...config.settings import StackSettings
from ...errors import AlertdrillError
from ...file_lock import file_lock
from . import init_config
from .docker_client import Container, DockerClient

# This service mounts the volume, on every host.
VOLUME_SERVICE = "prometheus"


class VolumeReplicas:
    """The replica counts as a container reads them, from the volume."""

    def __init__(self, etc: Path) -> None:
        self._file = etc / init_config.REPLICAS_FILE

    def get(self, service: str) -> int:
        """Return the replica count of a service."""
        return int(json.loads(self._file.read_text())[service])


class EngineReplicas:
    """The replica counts through the engine; the settings' counts if the stack is down."""

    def __init__(self, engine: DockerClient, settings: StackSettings) -> None:
        self._engine = engine
        self._min_replicas = {service: settings.min_replicas(service) for service in SERVICES}

    def get(self, service: str) -> int:
        """Return the replica count of a service."""
        return self.all()[service]

    def all(self) -> dict[str, int]:
        """Return the replica count of every service."""
        containers = self._engine.containers()
        volume_container = next(
            (container.name for container in containers if container.service == VOLUME_SERVICE),
            None,
        )
        if volume_container is None or not any(container.pid for container in containers):
            return self._min_replicas
        text = self._engine.read(volume_container, str(init_config.ETC / init_config.REPLICAS_FILE))
        return {**self._min_replicas, **_read(text)}


def _read(text: str | None) -> Mapping[str, int]:
    try:
        counts: dict[str, int] = json.loads(text or "{}")
    except ValueError:  # cut off by a crash: use the settings
        return {}
    return counts


def require_containers(
    containers: Sequence[Container], service: str, count: int
) -> Sequence[Container]:
    """Return the containers of a service; raise an `AlertdrillError` unless `count` exist."""
    numbers = {container.number for container in containers if container.service == service}
    if not set(range(1, count + 1)) <= numbers:
        raise AlertdrillError(
            f"{service} has too few containers for {count} instances: run `make up` on the host"
            " to create them."
        )
    return containers


@contextmanager
def scale_lock(etc: Path) -> Iterator[None]:
    """Lock the replica counts; raise an `AlertdrillError` if another process holds the lock."""
    path = etc / f"{init_config.REPLICAS_FILE}.lock"
    lock = file_lock(path, "Another command is scaling this stack: wait for it.")
    with ExitStack() as on_exit:
        try:
            on_exit.enter_context(lock)
        except OSError as error:
            raise AlertdrillError(
                f"{path} can't be opened ({error.strerror}): restart the stack."
            ) from error
        yield
