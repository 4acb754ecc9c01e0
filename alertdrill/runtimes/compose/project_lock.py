"""One run at a time has a stack of its own: a second would end the first one's containers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ...settings import StackSettings
from ...toolchain import default_cache
from .errors import EngineError


@contextmanager
def project_lock(settings: StackSettings) -> Iterator[None]:
    """Be the only run of this user on the project; raise `EngineError` if there is another.

    The project is the engine's, so the folder of the checkout does not matter.
    """
    folder = (settings.cache or default_cache(os.environ)) / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / settings.project).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EngineError(
                f"Another run has the containers of {settings.project}: wait for it to end, or set"
                " COMPOSE_PROJECT_NAME to a name of this one's own."
            ) from None
        yield
