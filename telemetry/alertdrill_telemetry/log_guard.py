"""Keep the JSON log handler although the application configures logging itself."""

from __future__ import annotations

import logging
import logging.config
from functools import partial
from typing import Any, ClassVar

from prometheus_client import Counter

from .logs import LineHandler, install, writes_lines

logger = logging.getLogger(__package__)


class LogGuard:
    """Puts `handler` back when `dictConfig`, `fileConfig` or `basicConfig` has removed it.

    After `dictConfig` this happens at once, through `logging.config.dictConfigClass`. The others
    have no hook, so that a later request repairs what they did, with a warning and a count:
    records in between may have been written as text.
    """

    def __init__(self, handler: LineHandler, level: str, app_logger: str, repairs: Counter) -> None:
        self._handler = handler
        self._level = level
        self._app_logger = app_logger
        self._repairs = repairs
        _Configurator.use(self)
        self.install()

    def install(self) -> None:
        """Install the handler, and enable the loggers of the application and of this package."""
        install(self._handler, self._level, [self._app_logger])

    def is_intact(self) -> bool:
        """Return whether the root logger writes JSON only.

        Of several applications in a process, the latest one has the handler.
        """
        return [type(h) for h in logging.getLogger().handlers if writes_lines(h)] == [LineHandler]

    def repair(self) -> None:
        """Install the handler again, with a warning and a count."""
        self.install()
        self._repairs.inc()
        logger.warning(
            "The application has configured logging after init_app, and removed the JSON handler"
            " or its level: both are back. Configure logging before init_app, or use dictConfig."
        )


class _Configurator:
    """Wraps the class that `dictConfig` uses, which logging.config lets a program replace."""

    guard: ClassVar[LogGuard | None] = None

    def __init__(self, original: Any, config: Any) -> None:
        self._configurator = original(config)

    def configure(self) -> None:
        """Apply the configuration, then put the JSON handler back."""
        self._configurator.configure()
        if _Configurator.guard is not None:
            _Configurator.guard.install()

    @classmethod
    def use(cls, guard: LogGuard) -> None:
        """Let `dictConfig` call this guard, the one of the latest application."""
        cls.guard = guard
        original = logging.config.dictConfigClass
        if getattr(original, "func", None) is not cls:
            # The type stubs want a class; the module calls it only.
            logging.config.dictConfigClass = partial(cls, original)  # type: ignore[assignment]
