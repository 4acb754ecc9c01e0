"""Lock a project, so that a second run does not stop the first one's containers."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from ...config.settings import StackSettings
from ...file_lock import file_lock
from ...toolchain.cache import default_cache


def project_lock(settings: StackSettings) -> AbstractContextManager[None]:
    """Lock the project for this user; raise `LockedError` if another run holds the lock.

    Projects belong to the engine, so the folder of the checkout does not matter.
    """
    folder = (settings.cache or default_cache(os.environ)) / "locks"
    return file_lock(
        folder / settings.project,
        f"Another run uses the containers of {settings.project}: wait for it to end, or set"
        " COMPOSE_PROJECT_NAME to another name.",
    )
