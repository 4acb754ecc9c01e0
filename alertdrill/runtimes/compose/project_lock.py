"""Lock a project, so that a second run does not stop the first one's containers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ...config.settings import StackSettings
from ...toolchain.cache import default_cache
from .errors import EngineError


@contextmanager
def project_lock(settings: StackSettings) -> Iterator[None]:
    """Lock the project for this user; raise `EngineError` if another run holds the lock.

    Projects belong to the engine, so the folder of the checkout does not matter.
    """
    folder = (settings.cache or default_cache(os.environ)) / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / settings.project).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EngineError(
                f"Another run uses the containers of {settings.project}: wait for it to end, or set"
                " COMPOSE_PROJECT_NAME to another name."
            ) from None
        yield
